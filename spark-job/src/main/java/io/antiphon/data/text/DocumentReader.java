package io.antiphon.data.text;

import java.io.IOException;
import java.util.Iterator;

/** The documents of one slice of a file; closed by itself at the end, or early by its task. */
interface DocumentReader extends Iterator<RawText>, AutoCloseable {
  @Override
  void close() throws IOException;
}
