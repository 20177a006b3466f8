/** Classes that popups of all kinds share. */
export const POPUP =
  "max-h-[min(24rem,var(--available-height))] overflow-y-auto rounded border border-line bg-panel p-1 " +
  "text-sm text-fg shadow-(--shadow) outline-none";

export const ITEM =
  "flex min-h-7 items-center gap-2 rounded px-2 py-1 outline-none select-none " +
  "data-[highlighted]:bg-raise data-[disabled]:opacity-50";
