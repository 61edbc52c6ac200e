package io.antiphon.data.text;

/**
 * A file of the corpus.
 *
 * @param path full path
 * @param bytes its length
 * @param version changes when the content does: a time of modification, or a checksum
 */
public record InputFile(String path, long bytes, String version) {}
