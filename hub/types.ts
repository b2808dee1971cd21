export interface RepoName {
  type: "model" | "dataset";
  /** `org/name` */
  name: string;
  /** Branch, tag or commit, as the spec has it. */
  revision: string;
}

export interface HubFile {
  /** From the repository's root, with `/`. */
  path: string;
  size: number;
  /** Git's id of the file, or of its LFS pointer. */
  oid: string;
  /** SHA-256 of a file in LFS. */
  sha256?: string;
}

/** The files of a repository at one commit. */
export interface Listing {
  repo: RepoName;
  /** 40 hex digits. */
  commit: string;
  /** Where its files are once they were fetched. */
  folder: string;
  files: HubFile[];
}
