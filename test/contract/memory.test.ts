import { memoryBackend } from "../../store/backends/memory.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => {
  const backend = memoryBackend();
  return { backend, again: () => backend };
});
