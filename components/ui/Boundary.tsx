"use client";
import { Component, type ReactNode } from "react";
import { errorText } from "../errorText";
import { ErrorState } from "./States";

/** Shows what went wrong in place, with a way to try again; a retry subscribes anew. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <ErrorState message={errorText(this.state.error)} onRetry={() => this.setState({ error: null })} />
    );
  }
}
