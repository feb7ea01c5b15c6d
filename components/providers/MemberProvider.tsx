"use client";
import { createContext, type ReactNode, useContext } from "react";

export interface Member {
  subject: string;
  displayName: string;
  role: "viewer" | "operator" | "admin";
}

const Context = createContext<Member | null>(null);
const RANK = { viewer: 0, operator: 1, admin: 2 } as const;

export function MemberProvider({ member, children }: { member: Member; children: ReactNode }) {
  return <Context.Provider value={member}>{children}</Context.Provider>;
}

export function useMember(): Member {
  const member = useContext(Context);
  if (member === null) throw new Error("useMember outside of the signed-in console");
  return member;
}

/**
 * Why the member may not do something, or null when they may. Only a courtesy to the eye: the control plane
 * decides again at every call.
 */
export function useRefusal(needed: Member["role"]): string | null {
  const { role } = useMember();
  return RANK[role] >= RANK[needed] ? null : `This needs the role ${needed}; yours is ${role}`;
}
