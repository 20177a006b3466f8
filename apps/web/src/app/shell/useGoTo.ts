import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { offeredPages } from "@/app/pages";
import { addShortcut } from "@/lib/shortcuts";
import { useMe } from "@/lib/permissions";

/** `g` and a letter open a page. */
export function useGoTo(): void {
  const me = useMe();
  const navigate = useNavigate();
  useEffect(() => {
    const ends = offeredPages(me.actions)
      .filter((page) => page.key !== undefined)
      .map((page) => addShortcut(`g ${page.key}`, () => void navigate({ to: page.path })));
    return () => {
      for (const end of ends) end();
    };
  }, [me, navigate]);
}
