import { memoryBackend } from "../../store/backends/memory.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => memoryBackend());
