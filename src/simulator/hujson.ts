/** Two passes, so that neither has anything to backtrack into. A comment that never ends reaches to the end of the text. */
const stringOrComment = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
const stringOrLastComma = /"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])/g;

const keepStrings = (match: string): string => (match.startsWith('"') ? match : ' ');

/** HuJSON as plain JSON: comments and trailing commas become blanks, strings stay as they are. What is neither is left for the JSON parser to refuse. */
export const plainJson = (text: string): string => text.replace(stringOrComment, keepStrings).replace(stringOrLastComma, keepStrings);
