package io.antiphon.conf;

import java.util.Optional;

/**
 * Where the text comes from and how it becomes sequences.
 *
 * <p>Components: see {@code docs/configuration.md}, section {@code data}.
 */
public record Data(
    @Key(
            doc =
                "Text files, as a path or glob; `classpath:corpus` is the corpus shipped with"
                    + " Antiphon",
            megatron = "--data-path (raw text here, not preprocessed)",
            absent = "exactly one of `text`, `jsonl`, `parquet` and `sql` is set",
            resume = Resume.SAME_CONTENT)
        Optional<String> text,
    @Key(
            doc = "Files with one JSON object per line, as a path or glob",
            absent = "see `text`",
            resume = Resume.SAME_CONTENT)
        Optional<String> jsonl,
    @Key(
            doc = "Parquet files, as a path or glob",
            absent = "see `text`",
            resume = Resume.SAME_CONTENT)
        Optional<String> parquet,
    @Key(
            doc = "Any Spark SQL query, or the name of a table",
            absent = "see `text`",
            resume = Resume.SAME_CONTENT)
        Optional<String> sql,
    @Key(
            doc = "Column of `jsonl`, `parquet` or `sql` that holds a document's text",
            megatron = "--json-keys (of the preprocessing tool)",
            byDefault = "text")
        String textColumn,
    @Key(
            doc = "For `text`: regular expression of a line that starts a new document",
            absent = "one document per file")
        Optional<String> documentSeparator,
    @Key(
            doc = "`bytes` (every byte is a token), or the path of a Hugging Face `tokenizer.json`",
            megatron = {"--tokenizer-type", "--tokenizer-model"},
            byDefault = "bytes",
            pattern = "bytes|.*\\.json",
            form = "bytes, or a path that ends with .json",
            resume = Resume.SAME_CONTENT)
        String tokenizer,
    @Key(
            doc = "Text of the token in `tokenizer.json` that ends a document",
            absent = "the only usual one that is special")
        Optional<String> endOfText,
    @Key(
            doc =
                "Whether text that spells a special token of `tokenizer.json` becomes that token;"
                    + " otherwise it stays text",
            byDefault = "false")
        boolean specialTokensInText,
    @Key(
            doc = "Share of the text kept for evaluation",
            megatron = "--split",
            byDefault = "0.05",
            min = 0,
            max = 0.5)
        double validationFraction,
    @Key(
            doc = "Directory of the packed token store",
            megatron = "--data-cache-path",
            absent = "`<run-dir>/data`",
            resume = Resume.FREE)
        Optional<String> cacheDir,
    @Key(
            doc = "At most this many sequences are evaluated",
            megatron = "--eval-iters (in sequences)",
            byDefault = "256",
            min = 1,
            unit = "sequences",
            resume = Resume.FREE)
        long validationSequences,
    @Key(
            doc = "Batches read ahead of the training loop",
            byDefault = "4",
            min = 1,
            unit = "global batches",
            resume = Resume.FREE)
        int prefetch) {

  /** Checks the limits of every key. */
  public Data {
    Limits.require(
        Data.class,
        text,
        jsonl,
        parquet,
        sql,
        textColumn,
        documentSeparator,
        tokenizer,
        endOfText,
        specialTokensInText,
        validationFraction,
        cacheDir,
        validationSequences,
        prefetch);
  }
}
