import { memoryBackend } from "../../store/backends/memory.ts";
import { careContract } from "./maintenance-contract.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", async () => memoryBackend());
careContract("memory", async () => memoryBackend());
