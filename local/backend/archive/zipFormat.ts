/** The numbers of the ZIP format (PKWARE APPNOTE 6.3) that the writer and the reader share. */
export const SIGNATURES = {
  local: 0x04034b50,
  descriptor: 0x08074b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  end64Locator: 0x07064b50,
} as const;

export const STORED = 0;
export const DEFLATED = 8;
/** General purpose flags: sizes follow the data; names are UTF-8. */
export const FLAGS = (1 << 3) | (1 << 11);
export const ENCRYPTED = 1;
/** Stands in a 32-bit field whose value is in the ZIP64 extra field. */
export const IN_ZIP64 = 0xffff_ffff;
export const IN_ZIP64_16 = 0xffff;
export const ZIP64_EXTRA = 1;
