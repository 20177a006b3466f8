/**
 * Exact arithmetic on decimals kept as strings, from the wire to the page.
 *
 * A decimal is plain notation as the gateway sends it (`"-12.5"`). No function goes through a
 * binary floating-point number. Text that is no decimal throws `RangeError`.
 */

export type Decimal = string;

const PLAIN = /^-?\d+(?:\.\d+)?$/;
const MINUS = "\u2212";

interface Scaled {
  digits: bigint;
  scale: number;
}

function parse(value: Decimal): Scaled {
  if (!PLAIN.test(value)) throw new RangeError(`not a decimal: ${value}`);
  const point = value.indexOf(".");
  if (point < 0) return { digits: BigInt(value), scale: 0 };
  return { digits: BigInt(value.replace(".", "")), scale: value.length - point - 1 };
}

function print({ digits, scale }: Scaled): Decimal {
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const whole = text.slice(0, text.length - scale);
  const rest = text.slice(text.length - scale).replace(/0+$/, "");
  const plain = rest === "" ? whole : `${whole}.${rest}`;
  return negative ? `-${plain}` : plain;
}

function rescale(value: Scaled, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const left = parse(a);
  const right = parse(b);
  const scale = Math.max(left.scale, right.scale);
  return [rescale(left, scale), rescale(right, scale), scale];
}

/** Whether the text is a decimal in plain notation. */
export function isDecimal(text: string): boolean {
  return PLAIN.test(text);
}

/** -1, 0 or 1; a negative zero is 0. */
export function sign(value: Decimal): -1 | 0 | 1 {
  const { digits } = parse(value);
  return digits === 0n ? 0 : digits < 0n ? -1 : 1;
}

/** Order of two decimals: negative, 0 or positive. */
export function cmp(a: Decimal, b: Decimal): number {
  const [left, right] = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [left, right, scale] = aligned(a, b);
  return print({ digits: left + right, scale });
}

export function sub(a: Decimal, b: Decimal): Decimal {
  const [left, right, scale] = aligned(a, b);
  return print({ digits: left - right, scale });
}

export function mul(a: Decimal, b: Decimal): Decimal {
  const left = parse(a);
  const right = parse(b);
  return print({ digits: left.digits * right.digits, scale: left.scale + right.scale });
}

/** The quotient with `places` digits, cut towards zero; null for a divisor of 0. */
export function div(a: Decimal, b: Decimal, places: number): Decimal | null {
  const [left, right] = aligned(a, b);
  if (right === 0n) return null;
  return print({ digits: (left * 10n ** BigInt(places)) / right, scale: places });
}

export function neg(value: Decimal): Decimal {
  const { digits, scale } = parse(value);
  return print({ digits: -digits, scale });
}

export function abs(value: Decimal): Decimal {
  return sign(value) < 0 ? neg(value) : value;
}

/** The sum of all values; `"0"` for none. */
export function sum(values: Iterable<Decimal>): Decimal {
  let total = "0";
  for (const value of values) total = add(total, value);
  return total;
}

/** The value cut towards zero to `digits` significant digits; digits before the point all stay. */
export function shorten(value: Decimal, digits = 8): Decimal {
  const [whole = "0", fraction = ""] = abs(value).split(".");
  const leading = whole === "0" ? (/^0*/.exec(fraction)?.[0].length ?? 0) : 0;
  const used = whole === "0" ? 0 : whole.length;
  const places = Math.max(0, leading + digits - used);
  if (fraction.length <= places) return value;
  const cut = print(parse(places === 0 ? whole : `${whole}.${fraction.slice(0, places)}`));
  return sign(value) < 0 ? neg(cut) : cut;
}

/** The largest multiple of `step` that is not above `value` (values of 0 or more). */
export function floorToStep(value: Decimal, step: Decimal): Decimal {
  const [left, right, scale] = aligned(value, step);
  if (right === 0n) return value;
  return print({ digits: left - (left % right), scale });
}

export interface FormatOptions {
  /**
   * Digits after the point: cut towards zero, filled with zeros; more for a value that would look
   * like 0. Absent: all digits, as they are.
   */
  places?: number | undefined;
  /** Write a `+` before values above 0. */
  plus?: boolean | undefined;
  locale?: string | undefined;
}

const separators = new Map<string, { group: string; decimal: string }>();

/** The separators of a language. */
export function separatorsOf(locale: string): { group: string; decimal: string } {
  let found = separators.get(locale);
  if (found === undefined) {
    const parts = new Intl.NumberFormat(locale, { useGrouping: "always" }).formatToParts(12345.6);
    const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
    found = { group: of("group") || "\u00a0", decimal: of("decimal") || "." };
    separators.set(locale, found);
  }
  return found;
}

/** Digits after the point: `places` of them, or up to the first that counts in a value near 0. */
function cut(whole: string, rest: string, places: number): string {
  const shown = rest.slice(0, places).padEnd(places, "0");
  if (!/^0*$/.test(whole + shown)) return shown;
  const first = rest.search(/[1-9]/);
  return first < 0 ? shown : rest.slice(0, first + 1);
}

/** The decimal as people read it: grouped, with the language's separators and a true minus sign. */
export function fmt(value: Decimal, options: FormatOptions = {}): string {
  const { places, plus = false, locale = "en" } = options;
  const direction = sign(value);
  const { group, decimal } = separatorsOf(locale);
  const [whole = "0", rest = ""] = (direction < 0 ? value.slice(1) : value.replace("-", "")).split(".");
  const fraction = places === undefined ? rest : cut(whole, rest, places);
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, group);
  const body = fraction === "" ? grouped : grouped + decimal + fraction;
  if (direction < 0) return MINUS + body;
  return direction > 0 && plus ? `+${body}` : body;
}

/**
 * The decimal that a person typed, or null. Accepts `.` and the language's decimal mark, spaces and
 * the language's grouping; a mark that could mean either is refused by `null` rather than guessed.
 */
export function readInput(text: string, locale = "en"): Decimal | null {
  const { group, decimal } = separatorsOf(locale);
  let plain = text.trim().replace(/[\s\u00a0\u202f]/g, "").replace(MINUS, "-");
  if (group === "." && /^[-+]?[1-9]\d{0,2}\.\d{3}$/.test(plain)) return null; // thousands, or a fraction
  if (group.trim() !== "" && plain.includes(decimal)) plain = plain.split(group).join("");
  if (decimal !== ".") plain = plain.replace(decimal, ".");
  if (plain.startsWith("+")) plain = plain.slice(1);
  if (plain.startsWith(".")) plain = `0${plain}`;
  if (plain.endsWith(".")) plain = plain.slice(0, -1);
  return PLAIN.test(plain) ? print(parse(plain)) : null;
}
