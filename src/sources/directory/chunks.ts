/** One document of a file as text, with the line (1-based) of the file it begins on. */
export type Chunk = { readonly text: string; readonly line: number };

/**
 * The documents of a file: split before parsing, so that a document whose text is unchanged need not be parsed again. A `---` at the
 * start of a line separates documents wherever it stands: YAML allows it inside of nothing. Documents of comments only are left out.
 */
export const chunksOf = (text: string): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  let line = 1;
  for (const part of text.split(separator)) {
    if (!isBlank(part)) chunks.push({ text: part, line });
    line += newlinesIn(part);
  }
  return chunks;
};

const separator = /^(?=---(?:\s|$))/m;

const isBlank = (part: string): boolean => !/^(?!---\s*$|---\s+#|\.\.\.\s*$|\s*#|\s*$)/m.test(part);

const newlinesIn = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
};
