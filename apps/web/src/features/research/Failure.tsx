/** Why a run or a bot ended: the message, with its lines if it is a traceback. */
export function Failure({ text }: { text: string }) {
  return (
    <pre role="alert" tabIndex={0} className="max-h-64 shrink-0 overflow-auto rounded border border-down px-3 py-2 font-sans text-sm break-words whitespace-pre-wrap text-down">
      {text}
    </pre>
  );
}
