import { Component, type ReactNode } from "react";

interface Props {
  /** What is shown in place of children that failed, such as code that could not be loaded. */
  failed: ReactNode;
  children: ReactNode;
}

/** Keeps a failure of its children to itself: the rest of the page works on. */
export class ErrorBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? this.props.failed : this.props.children;
  }
}
