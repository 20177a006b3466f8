import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface Tab {
  id: string;
  label: ReactNode;
  content: ReactNode;
}

export interface TabsProps {
  label: string;
  tabs: readonly Tab[];
  value: string;
  onChange: (id: string) => void;
  trailing?: ReactNode;
}

/** Tabs with their panels; only the panel in front exists. */
export function Tabs({ label, tabs, value, onChange, trailing }: TabsProps) {
  return (
    <Base.Root value={value} onValueChange={(next) => onChange(String(next))} className="flex min-h-0 flex-1 flex-col">
      <div className="flex items-center justify-between gap-2 border-b border-line">
        <Base.List aria-label={label} className="flex min-w-0 overflow-x-auto">
          {tabs.map((tab) => (
            <Base.Tab
              key={tab.id}
              value={tab.id}
              className="-mb-px h-8 shrink-0 border-b-2 border-transparent px-3 text-sm text-muted hover:text-fg data-[active]:border-accent data-[active]:text-fg"
            >
              {tab.label}
            </Base.Tab>
          ))}
        </Base.List>
        {trailing}
      </div>
      {tabs.map((tab) => (
        <Base.Panel key={tab.id} value={tab.id} className="flex min-h-0 flex-1 flex-col outline-none">
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
