const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** How long ago a moment (RFC 3339) was at `now` (milliseconds since 1970), in the largest unit that is whole: `5 min ago`. */
export const agoText = (moment: string, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - Date.parse(moment)) / 1000));
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? (['s', 1] as const);
  return `${Math.floor(seconds / size)} ${unit} ago`;
};
