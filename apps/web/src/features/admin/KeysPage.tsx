import { KeyGrid } from "@/features/keys/KeyGrid";

/** The API keys of all users. */
export default function KeysPage() {
  return <KeyGrid owner="admin" />;
}
