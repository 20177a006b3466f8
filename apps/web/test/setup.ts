import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// Files share the document and its storage.
afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
