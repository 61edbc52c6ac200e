package io.antiphon.run;

import io.antiphon.conf.Data;
import io.antiphon.conf.Settings;
import io.antiphon.data.Corpus;
import io.antiphon.data.DataRequest;
import java.nio.file.Path;

/** What the settings ask of the data. */
final class DataRequests {
  private DataRequests() {}

  static DataRequest of(Settings settings, Path runDirectory) {
    Data data = settings.data();
    return new DataRequest(
        corpus(data),
        data.tokenizer(),
        data.endOfText(),
        data.specialTokensInText(),
        data.validationFraction(),
        Directories.cache(settings, runDirectory),
        settings.model().sequenceLength(),
        settings.seed());
  }

  private static Corpus corpus(Data data) {
    String column = data.textColumn();
    if (data.text().isPresent()) {
      return new Corpus.TextFiles(data.text().orElseThrow(), data.documentSeparator());
    }
    if (data.jsonl().isPresent()) {
      return new Corpus.JsonLines(data.jsonl().orElseThrow(), column);
    }
    if (data.parquet().isPresent()) {
      return new Corpus.ParquetFiles(data.parquet().orElseThrow(), column);
    }
    return new Corpus.Sql(data.sql().orElseThrow(), column);
  }
}
