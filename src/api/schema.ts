/** One `x-kubernetes-validations` rule: a CEL expression over `self`, and what users read when it is false. */
type SchemaRule = {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
};

/** The parts of a schema that may stand below `oneOf`, `anyOf`, `allOf` and `not`: they forbid values, and say nothing about fields. */
export type ValueRules = {
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly oneOf?: readonly LogicalSchema[];
  readonly anyOf?: readonly LogicalSchema[];
  readonly allOf?: readonly LogicalSchema[];
  readonly not?: LogicalSchema;
};

export type LogicalSchema = ValueRules & {
  readonly properties?: Readonly<Record<string, LogicalSchema>>;
  readonly items?: LogicalSchema;
};

/** A structural schema as `apiextensions.k8s.io/v1` defines it: what a CustomResourceDefinition says about one value. */
export type Schema = ValueRules & {
  /** Absent only with `x-kubernetes-int-or-string` or `x-kubernetes-preserve-unknown-fields`. */
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly 'x-kubernetes-validations'?: readonly SchemaRule[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
};

/** The schemas of one kind: `versions` gives each served version's place in `schemas`, which equal versions share. */
export type KindSchemas = {
  readonly group: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly versions: Readonly<Record<string, number>>;
  readonly schemas: readonly Schema[];
};
