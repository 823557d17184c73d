import { destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/** Logs to standard output: JSON lines, or for a person to read where that is a terminal. Written at once, so that an exit loses none. */
export const loggerFor = (level: string, terminal: boolean): Logger =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    terminal
      ? pretty({ sync: true, colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' })
      : destination({ sync: true }),
  );
