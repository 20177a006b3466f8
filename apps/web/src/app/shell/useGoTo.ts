import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { offeredPages } from "@/app/pages";
import { addShortcut } from "@/lib/shortcuts";
import { useMe } from "@/lib/permissions";

/** `g` and a letter open a page, `n` the order ticket. */
export function useGoTo(): void {
  const me = useMe();
  const navigate = useNavigate();
  useEffect(() => {
    const offered = offeredPages(me.actions);
    const open = (path: string) => () => void navigate({ to: path });
    const ends = offered.filter((page) => page.key !== undefined).map((page) => addShortcut(`g ${page.key}`, open(page.path)));
    const ticket = offered.find((page) => page.name === "trade");
    if (ticket !== undefined) ends.push(addShortcut("n", open(ticket.path)));
    return () => {
      for (const end of ends) end();
    };
  }, [me, navigate]);
}
