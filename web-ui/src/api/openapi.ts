// What of an OpenAPI 3.1 document this program's own needs: https://spec.openapis.org/oas/v3.1.0

export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
}
interface Content {
  content?: Record<string, {schema?: Schema; example?: unknown}>;
  description?: string;
  $ref?: string;
}
export interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}
export interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: Content;
  responses: Record<string, Content>;
}
export interface Document {
  paths: Record<string, Record<string, Operation> & {parameters?: Parameter[]}>;
}
export interface Entry {
  method: string;
  path: string;
  operation: Operation;
  parameters: Parameter[];
}

export function resolve<T extends {$ref?: string}>(document: Document, value: T): T {
  if (!value.$ref) return value;
  let at: unknown = document;
  for (const step of value.$ref.slice(2).split('/')) at = (at as Record<string, unknown>)[step];
  const {$ref: _, ...own} = value;
  return {...(at as T), ...own};
}

const methods = ['get', 'post', 'put', 'patch', 'delete'];

export function entriesOf(document: Document): Entry[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => {
      const operation = item[method]!;
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => resolve(document, one));
      return {method: method.toUpperCase(), path, operation, parameters};
    }));
}

/// The members of an object, wherever the schema says them.
export function membersOf(document: Document, schema: Schema): [name: string, member: Schema, required: boolean][] {
  const whole = resolve(document, schema);
  const parts = [...(whole.anyOf ?? []), ...(whole.oneOf ?? []), ...(whole.allOf ?? []), ...(whole.items ? [whole.items] : [])];
  return [
    ...Object.entries(whole.properties ?? {}).map(([name, member]): [string, Schema, boolean] => [name, member, whole.required?.includes(name) ?? false]),
    ...parts.flatMap((part) => membersOf(document, part)),
  ];
}

/// "integer 1…1000", "Status", "text or null"
export function typeOf(document: Document, schema: Schema): string {
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
  const some = schema.anyOf ?? schema.oneOf;
  if (some) return some.map((one) => typeOf(document, one)).join(' or ');
  if (schema.enum) return schema.enum.join(', ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `list of ${typeOf(document, schema.items)}`;
  const types = [schema.type ?? 'any'].flat().join(' or ');
  const {minimum, maximum} = schema;
  if (minimum === undefined && maximum === undefined) return types;
  return `${types} ${minimum ?? ''}…${maximum ?? ''}`;
}
