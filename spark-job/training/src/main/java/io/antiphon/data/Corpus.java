package io.antiphon.data;

import java.util.Optional;

/** Where the documents come from. */
public sealed interface Corpus {

  /** The setting a user changes to choose another place, as errors name it. */
  String setting();

  /** What the user wrote there. */
  String location();

  /**
   * UTF-8 text files: one document each, or several when a separator is given.
   *
   * @param location a file, a directory (its files, not deeper), a glob, or {@code
   *     classpath:folder} for files shipped in a jar
   * @param separator regular expression; a line in which it is found starts a new document. The
   *     line itself is dropped, except for what the expression's first group captured
   */
  record TextFiles(String location, Optional<String> separator) implements Corpus {
    @Override
    public String setting() {
      return "data.text";
    }
  }

  /**
   * Files with one JSON object per line.
   *
   * @param location a file, a directory or a glob
   * @param column key whose string value is the document
   */
  record JsonLines(String location, String column) implements Corpus {
    @Override
    public String setting() {
      return "data.jsonl";
    }
  }

  /**
   * Parquet files.
   *
   * @param location a file, a directory (partitioned or not) or a glob
   * @param column string column that holds the documents
   */
  record ParquetFiles(String location, String column) implements Corpus {
    @Override
    public String setting() {
      return "data.parquet";
    }
  }

  /**
   * Anything Spark SQL can query.
   *
   * @param location a query (it starts with {@code select}, {@code with}, {@code from}, {@code
   *     values}, {@code table} or a parenthesis) or the name of a table or view
   * @param column string column that holds the documents
   */
  record Sql(String location, String column) implements Corpus {
    @Override
    public String setting() {
      return "data.sql";
    }
  }
}
