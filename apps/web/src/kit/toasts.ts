import { Toast } from "@base-ui/react/toast";

export const toasts = Toast.createToastManager();

/** Say that something was done; goes away by itself. */
export function toastDone(title: string, description?: string): void {
  toasts.add({ type: "success", title, ...(description === undefined ? {} : { description }) });
}

/** Say that something failed; stays until it is closed. */
export function toastError(title: string, description?: string): void {
  toasts.add({
    type: "error",
    title,
    ...(description === undefined ? {} : { description }),
    timeout: 0,
    priority: "high",
  });
}
