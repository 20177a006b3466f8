/** Filters live in the URL: plain names and values, so that a link shows what its sender saw. */
import { useNavigate, useSearch } from "@tanstack/react-router";

export type Search = Record<string, string | undefined>;

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

/** The filters of the page by name, and a function that changes some of them. */
export function useFilters<Name extends string>(
  ...names: Name[]
): [Partial<Record<Name, string>>, (change: Partial<Record<Name, string | undefined>>) => void, boolean] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = search[name];
    if (value !== undefined) filters[name] = value;
  }
  const set = (change: Partial<Record<Name, string | undefined>>) =>
    void navigate({
      to: ".",
      search: ((before: Search) => ({ ...before, ...change })) as never,
      replace: true,
    });
  return [filters, set, Object.keys(filters).length > 0];
}
