import { SessionGrid } from "@/features/sessions/SessionGrid";

/** The browser sessions of all users. */
export default function SessionsPage() {
  return <SessionGrid owner="admin" />;
}
