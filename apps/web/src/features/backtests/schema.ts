/** Parameters of a strategy: the fields that its JSON schema has. */
import { cmp, isDecimal } from "@/lib/decimal";

export interface ParameterField {
  name: string;
  isWhole: boolean;
  normal: string;
  min: string | undefined;
  max: string | undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** The fields of a schema, in its order. */
export function parameterFields(schema: Record<string, unknown> | undefined): ParameterField[] {
  const properties = schema?.["properties"];
  if (typeof properties !== "object" || properties === null) return [];
  return Object.entries(properties as Record<string, Record<string, unknown>>).map(([name, field]) => ({
    name,
    isWhole: field["type"] === "integer",
    normal: textOf(field["default"]) ?? "",
    min: textOf(field["minimum"] ?? field["x-minimum"]),
    max: textOf(field["maximum"] ?? field["x-maximum"]),
  }));
}

/** Whether a value may be sent: empty means the default. */
export function isParameter({ isWhole, min, max }: ParameterField, text: string): boolean {
  if (text === "") return true;
  if (!isDecimal(text) || (isWhole && text.includes("."))) return false;
  return (min === undefined || cmp(text, min) >= 0) && (max === undefined || cmp(text, max) <= 0);
}

/** The parameters that differ from their defaults; whole numbers as numbers. */
export function parametersOf(fields: readonly ParameterField[], texts: Readonly<Record<string, string>>): Record<string, string | number> {
  const given = fields.flatMap((field): [string, string | number][] => {
    const text = texts[field.name] ?? "";
    if (text === "" || text === field.normal) return [];
    return [[field.name, field.isWhole ? Number.parseInt(text, 10) : text]];
  });
  return Object.fromEntries(given);
}
