"""Batched generation with llama.cpp through its C interface: every sequence in a slot, a freed slot taken by the next row, a prompt
computed once for all its samples."""

import ctypes

import serve

import llama_cpp as lib
import numpy
from gguf_model import gguf_of
from transformers import AutoTokenizer

# llama.cpp's limit on sequences.
MAX_SEQUENCES = 256
MAX_BATCH = 2048


class Context:
    """A model with room for `sequences` sequences of `length` tokens. unified: one cache shared by all instead of one each."""

    def __init__(self, model, sequences, length, unified):
        params = lib.llama_context_default_params()
        params.n_ctx = sequences * length
        params.n_seq_max = sequences
        params.n_batch = params.n_ubatch = MAX_BATCH
        params.n_threads = params.n_threads_batch = int(serve.THREADS)
        params.kv_unified = unified
        self.pointer = lib.llama_init_from_model(model, params)
        if not self.pointer:
            raise RuntimeError(f"llama.cpp has no room for {sequences} sequences of {length} tokens")
        self.memory = lib.llama_get_memory(self.pointer)
        self.vocab_size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
        self.batch = lib.llama_batch_init(MAX_BATCH, 0, 1)
        view = lambda field: numpy.ctypeslib.as_array(field, shape=(MAX_BATCH,))
        self.tokens, self.positions, self.outputs = view(self.batch.token), view(self.batch.pos), view(self.batch.logits)
        view(self.batch.n_seq_id)[:] = 1
        self.sampler = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        lib.llama_sampler_chain_add(self.sampler, lib.llama_sampler_init_dist(1))

    def decode(self, entries):
        """entries: (token, position, sequence, wanted) in at most MAX_BATCH."""
        count = len(entries)
        tokens, positions, sequences, wanted = zip(*entries)
        self.tokens[:count], self.positions[:count], self.outputs[:count] = tokens, positions, wanted
        for place, sequence in enumerate(sequences):
            self.batch.seq_id[place][0] = sequence
        self.batch.n_tokens = count
        status = lib.llama_decode(self.pointer, self.batch)
        if status != 0:
            raise RuntimeError(f"llama_decode ended with {status}")

    def logits(self, place):
        pointer = lib.llama_get_logits_ith(self.pointer, place)
        return numpy.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), shape=(self.vocab_size,))

    def draw(self, place):
        return lib.llama_sampler_sample(self.sampler, self.pointer, place)

    def clear(self):
        lib.llama_memory_clear(self.memory, True)

    def close(self):
        lib.llama_sampler_free(self.sampler)
        lib.llama_batch_free(self.batch)
        lib.llama_free(self.pointer)


def generate(context, prompts, samples, max_tokens, slots, eos):
    """The ids of the answers to each prompt, including the end-of-sequence token."""
    context.clear()
    sources = {}
    if samples > 1:
        # All tokens of a prompt but the last one, which every sample reads itself.
        for prompt, ids in enumerate(prompts):
            sources[prompt] = slots + prompt
            context.decode([(token, position, sources[prompt], False) for position, token in enumerate(ids[:-1])])
    waiting = [prompt for prompt in range(len(prompts)) for _ in range(samples)][::-1]
    free, live, answers, fresh = list(range(slots))[::-1], {}, [], []
    while waiting or live:
        entries = [(row["ids"][-1], row["position"], slot, True) for slot, row in live.items()]
        drawn = dict(zip(live, range(len(entries))))
        while waiting and free and len(entries) + len(prompts[waiting[-1]]) <= MAX_BATCH:
            slot, prompt = free.pop(), waiting.pop()
            ids = prompts[prompt]
            lib.llama_memory_seq_rm(context.memory, slot, -1, -1)
            if prompt in sources:
                lib.llama_memory_seq_cp(context.memory, sources[prompt], slot, -1, -1)
                entries.append((ids[-1], len(ids) - 1, slot, True))
            else:
                entries += [(token, position, slot, position == len(ids) - 1) for position, token in enumerate(ids)]
            drawn[slot] = len(entries) - 1
            live[slot] = {"ids": [], "position": len(ids) - 1}
        context.decode(entries)
        for slot, place in drawn.items():
            row = live[slot]
            token = context.draw(place)
            row["ids"].append(token)
            row["position"] += 1
            if token == eos or len(row["ids"]) == max_tokens:
                answers.append(row["ids"])
                del live[slot]
                free.append(slot)
    return answers


class Generate:
    def __init__(self, work):
        lib.llama_backend_init()
        self.log = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self.log, None)
        self.work = work
        tokenizer = AutoTokenizer.from_pretrained(work["model"])
        self.eos = tokenizer.eos_token_id
        self.prompts = [tokenizer(prompt)["input_ids"] for prompt in work["prompts"]]
        self.model = lib.llama_model_load_from_file(gguf_of(work["model"]).encode(), lib.llama_model_default_params())
        if not self.model:
            raise RuntimeError("llama.cpp could not read the GGUF file")
        self.contexts = {}
        sources = len(self.prompts) if work["samples"] > 1 else 0
        sizes = [work["piece"]] if work["kind"] == "decode" else [size for size in (64, 128) if size + sources <= MAX_SEQUENCES]
        # One shared cache was never the fastest with 32 sequences or more.
        self.variants = [f"{cache} {slots}" for slots in sizes for cache in (("streams", "unified") if slots < 32 else ("streams",))]

    def context(self, variant):
        cache, slots = variant.split()
        sources = len(self.prompts) if self.work["samples"] > 1 else 0
        if variant not in self.contexts:
            for old in self.contexts.values():
                old.close()
            length = max(map(len, self.prompts)) + self.work["maxTokens"]
            self.contexts = {variant: Context(self.model, int(slots) + sources, length, cache == "unified")}
        return self.contexts[variant], int(slots)

    def facts(self):
        ids = self.work["probe"]
        context = Context(self.model, 1, len(ids), True)
        context.decode([(token, position, 0, True) for position, token in enumerate(ids)])
        logits = numpy.stack([context.logits(place) for place in range(len(ids) - 1)]).astype(numpy.float64)
        context.close()
        logps = logits - numpy.log(numpy.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) - logits.max(1, keepdims=True)
        return [float(logps[place, token]) for place, token in enumerate(ids[1:])]

    def sample(self, variant, _trial):
        context, slots = self.context(variant)
        with serve.Timer() as timer:
            answers = generate(context, self.prompts, self.work["samples"], self.work["maxTokens"], slots, self.eos)
        return {"seconds": timer.seconds, "amount": sum(map(len, answers))}


if __name__ == "__main__":
    serve.serve({"decode": Generate, "sampling": Generate})
