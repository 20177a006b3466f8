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

/** What a sweep varies, and what is the same in all of its runs. */
export interface Grid {
  grid: Record<string, string | (string | number)[]>;
  params: Record<string, string | number>;
}

/** `5:30:5` with both ends, `20,50,100`, one number, or nothing for the default; null: none of these. */
function axisOf(field: ParameterField, text: string): string | (string | number)[] | null {
  const isGiven = (part: string) => part !== "" && isParameter(field, part);
  const range = text.split(":");
  if (range.length === 3) {
    const [from = "", to = "", step = ""] = range;
    const isStep = isDecimal(step) && cmp(step, "0") > 0 && (!field.isWhole || !step.includes("."));
    return isGiven(from) && isGiven(to) && isStep && cmp(from, to) <= 0 ? text : null;
  }
  const values = text.split(",").map((part) => part.trim());
  return values.every(isGiven) ? values.map((value) => (field.isWhole ? Number.parseInt(value, 10) : value)) : null;
}

/** The grid of a sweep; null: a text is not understood, or nothing is varied. */
export function gridOf(fields: readonly ParameterField[], texts: Readonly<Record<string, string>>): Grid | null {
  const found: Grid = { grid: {}, params: {} };
  for (const field of fields) {
    const text = (texts[field.name] ?? "").replaceAll(" ", "");
    if (text === "") continue;
    const axis = axisOf(field, text);
    if (axis === null) return null;
    const [only] = axis;
    if (typeof axis === "string" || axis.length > 1) found.grid[field.name] = axis;
    else if (only !== undefined) found.params[field.name] = only;
  }
  return Object.keys(found.grid).length === 0 ? null : found;
}
