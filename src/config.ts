/** What `serve` is told, from flags, environment and a file: checked once, typed from then on. */
import { z } from 'zod';
import { millisecondsOf } from './lib/duration.ts';
import { type HostPort, hostPortFrom } from './lib/host-port.ts';

export type Config = {
  readonly configDir: string;
  readonly xdsAddress: HostPort;
  readonly httpAddress: HostPort;
  readonly logLevel: LogLevel;
  /** Bind ports below 1024 as they are, where Envoy may. */
  readonly privilegedPorts: boolean;
  /** Milliseconds between pings to Envoys, and how long one may take to answer. */
  readonly xdsKeepalive: number;
  readonly xdsKeepaliveTimeout: number;
  /** Milliseconds after which an Envoy is asked to connect anew, and how long it may take; Infinity for never. */
  readonly xdsConnectionAge: number;
  readonly xdsConnectionGrace: number;
};

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The user asked for something that cannot be done as asked: one line on stderr, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const address = z
  .string()
  .transform((text, context) => hostPortFrom(text) ?? (context.addIssue({ code: 'custom', message: 'is not HOST:PORT' }), z.NEVER));
const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')], {
  error: 'is neither true nor false',
});

/** A Gateway API duration, in milliseconds; at least one. */
const duration = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, 'is no duration like 30s or 1h30m')
  .transform(millisecondsOf)
  .pipe(z.number().positive('is not longer than nothing'));
const durationOrNever = z.union([z.literal('never').transform(() => Number.POSITIVE_INFINITY), duration], {
  error: 'is neither never nor a duration like 30s or 1h30m',
});

type Setting<T> = { readonly flag: string; readonly help: string; readonly fallback?: string | boolean; readonly schema: z.ZodType<T> };

/** Every setting once: its flag, the `TAILPLANE_…` variable named after its key, and the key itself in a `--config` file. */
export const settings: { readonly [K in keyof Config]: Setting<Config[K]> } = {
  configDir: { flag: '--config-dir <dir>', help: 'directory of YAML files to watch', schema: z.string().min(1, 'is empty') },
  xdsAddress: { flag: '--xds-address <host:port>', help: 'where Envoys connect', fallback: '127.0.0.1:18000', schema: address },
  httpAddress: { flag: '--http-address <host:port>', help: 'metrics, health and API', fallback: '127.0.0.1:8080', schema: address },
  logLevel: {
    flag: '--log-level <level>',
    help: logLevels.join(', '),
    fallback: 'info',
    schema: z.enum(logLevels, { error: `is none of ${logLevels.join(', ')}` }),
  },
  privilegedPorts: {
    flag: '--privileged-ports',
    help: 'bind ports below 1024 as they are, not 10000 above',
    fallback: false,
    schema: flag,
  },
  xdsKeepalive: { flag: '--xds-keepalive <duration>', help: 'between pings to Envoys', fallback: '30s', schema: duration },
  xdsKeepaliveTimeout: { flag: '--xds-keepalive-timeout <duration>', help: 'for the answer to a ping', fallback: '10s', schema: duration },
  xdsConnectionAge: {
    flag: '--xds-connection-age <duration>',
    help: 'after which Envoys connect anew, or never',
    fallback: 'never',
    schema: durationOrNever,
  },
  xdsConnectionGrace: {
    flag: '--xds-connection-grace <duration>',
    help: 'for an aged connection to close',
    fallback: '10s',
    schema: duration,
  },
};

const keys = Object.keys(settings) as readonly (keyof Config)[];

/** `xdsAddress` → `TAILPLANE_XDS_ADDRESS`. */
export const environmentName = (key: string): string => `TAILPLANE_${key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;

type Given = { readonly value: unknown; readonly origin: string };

/**
 * The configuration that flags, environment and file give together, in this order of precedence, defaults last.
 * Throws UsageError naming where a bad value came from, or an unknown key of the file. Unknown `TAILPLANE_…` variables are no error:
 * Kubernetes sets some for a Service named tailplane.
 */
export const configFrom = (
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  file?: { readonly path: string; readonly content: unknown },
): Config => {
  const fromFile = file === undefined ? {} : fileKeys(file.path, file.content);
  const given = (key: keyof Config): Given | undefined => {
    const option = settings[key].flag.split(' ', 1)[0] ?? '';
    const variable = environmentName(key);
    if (flags[key] !== undefined) return { value: flags[key], origin: option };
    if (environment[variable] !== undefined && environment[variable] !== '') return { value: environment[variable], origin: variable };
    if (fromFile[key] !== undefined) return { value: fromFile[key], origin: `${file?.path}: ${key}` };
    return settings[key].fallback === undefined ? undefined : { value: settings[key].fallback, origin: option };
  };
  return Object.fromEntries(keys.map((key) => [key, checked(key, given(key))])) as Config;
};

const checked = (key: keyof Config, given: Given | undefined): unknown => {
  if (given === undefined) throw new UsageError(`${settings[key].flag} is required (or ${environmentName(key)})`);
  const result = settings[key].schema.safeParse(given.value);
  if (!result.success) throw new UsageError(`${given.origin}: ${JSON.stringify(given.value)} ${reasonOf(result.error)}`);
  return result.data;
};

const fileKeys = (path: string, content: unknown): Readonly<Record<string, unknown>> => {
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) throw new UsageError(`${path}: must hold settings as "key: value"`);
  const unknown = Object.keys(content).find((key) => !(keys as readonly string[]).includes(key));
  if (unknown !== undefined) throw new UsageError(`${path}: unknown setting ${JSON.stringify(unknown)}; known are ${keys.join(', ')}`);
  return content as Readonly<Record<string, unknown>>;
};

const reasonOf = (error: z.ZodError): string => {
  const message = error.issues[0]?.message ?? 'is not valid';
  return message.startsWith('is ') ? message : `is not valid: ${message}`;
};
