import type { Readable } from "node:stream";
import type { Store } from "./store";

/** Bytes on their way to a file that does not exist yet. */
export interface FileWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when the file is there under its name with all its bytes, power cut or not. */
  keep(): Promise<void>;
  /** Gives up: nothing remains. */
  discard(): Promise<void>;
}

/** The port of uploaded files: whole files by name. A file is there completely or not at all. */
export interface FileShelf {
  /** Makes the shelf ready and drops what was unfinished. */
  open(): Promise<void>;
  list(): Promise<string[]>;
  create(name: string): Promise<FileWriter>;
  /** Bytes `start` to `end`, both inclusive. */
  read(name: string, start: number, end: number): Readable;
  blob(name: string, contentType: string): Promise<Blob>;
  /** Removes the file when it is there. */
  remove(name: string): Promise<void>;
}

/** The file-system port: everything durable that a backend touches. Simulations inject one that crashes and fills up. */
export interface Disk {
  /** Throws OperatorError with a sentence when the store is locked, unwritable or damaged. */
  openStore(): Promise<Store>;
  readonly files: FileShelf;
  /** Bytes that the file system can still take. */
  freeBytes(): Promise<number>;
  /** Bytes that the store and the uploaded files take. */
  usedBytes(): Promise<{ store: number; files: number }>;
}
