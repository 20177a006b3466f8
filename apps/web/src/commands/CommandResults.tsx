import { CommandEntry } from "@/commands/ActivityList";
import { commands } from "@/commands/tracker";
import { useStore } from "@/lib/store";

/** What became of each of these commands, live. */
export function CommandResults({ keys }: { keys: readonly string[] }) {
  const wanted = new Set(keys);
  const list = useStore(commands).filter((command) => wanted.has(command.key));
  return (
    <ol className="flex flex-col">
      {list.map((command) => (
        <CommandEntry key={command.key} command={command} />
      ))}
    </ol>
  );
}
