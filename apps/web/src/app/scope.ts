/** The accounts in view: chosen in the top bar, kept in the URL as `?acc=`, obeyed by every page. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Search } from "@/app/search";
import type { AccountAccess } from "@/api/types";
import { useMe } from "@/lib/permissions";

export interface Scope {
  /** The accounts in view; with none chosen, all that the user reads. */
  accounts: readonly AccountAccess[];
  ids: readonly number[];
  /** The ids as query parameter `account_ids`. */
  parameter: string;
  /** No account was chosen: all are in view. */
  all: boolean;
  choose: (ids: readonly number[]) => void;
}

/** The ids of `?acc=`; what is no id is left out. */
export function readScope(text: string | undefined): number[] {
  return (text ?? "")
    .split(",")
    .filter((part) => /^\d+$/.test(part))
    .map((part) => Number.parseInt(part, 10));
}

export function useScope(): Scope {
  const me = useMe();
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const text = search["acc"];
  return useMemo(() => {
    const readable = me.accounts.filter((account) => account.can_read || me.user.role === "admin");
    const wanted = new Set(readScope(text));
    const chosen = readable.filter((account) => wanted.has(account.account_id));
    const accounts = chosen.length === 0 ? readable : chosen;
    const ids = accounts.map((account) => account.account_id);
    return {
      accounts,
      ids,
      parameter: ids.join(","),
      all: chosen.length === 0,
      choose: (next) =>
        void navigate({
          to: ".",
          search: ((before: Search) => ({ ...before, acc: next.length === 0 ? undefined : next.join(",") })) as never,
          replace: true,
        }),
    };
  }, [me, text, navigate]);
}

/** Name and environment of an account by its id. */
export function useAccountNames(): (id: number) => { label: string; environment: AccountAccess["environment"] } {
  const me = useMe();
  return useMemo(() => {
    const byId = new Map(me.accounts.map((account) => [account.account_id, account]));
    return (id) => byId.get(id) ?? { label: `#${id}`, environment: "live" };
  }, [me]);
}
