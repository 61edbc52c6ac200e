package io.antiphon.data.text;

import io.antiphon.data.Corpus;
import io.antiphon.data.DataException;
import io.antiphon.data.NearestName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The column of a table that holds the documents. */
final class TextColumn {
  private TextColumn() {}

  /**
   * Its name in the schema, where upper and lower case may differ.
   *
   * @throws DataException if there is none, or it holds something else
   */
  static String of(Corpus corpus, String column, StructType schema) {
    List<String> strings = new ArrayList<>();
    List<StructField> matches = new ArrayList<>();
    for (StructField field : schema.fields()) {
      if (field.name().equals(column)) {
        matches.add(0, field);
      } else if (field.name().equalsIgnoreCase(column)) {
        matches.add(field);
      }
      if (field.dataType() instanceof StringType) {
        strings.add(field.name());
      }
    }
    if (matches.isEmpty()) {
      throw missing(corpus, column, strings, nested(column, schema));
    }
    StructField field = matches.get(0);
    if (!(field.dataType() instanceof StringType)) {
      throw new DataException(
          corpus.setting()
              + ": column '"
              + field.name()
              + "' of '"
              + corpus.location()
              + "' is "
              + field.dataType().catalogString().replaceFirst("^(.{60}).+", "$1...")
              + ", not string; "
              + remedy(corpus, strings, conversion(field.name(), field.dataType())));
    }
    return field.name();
  }

  /**
   * What to throw without the column.
   *
   * @param strings columns that could be meant
   * @param expression of SQL that gives the text; empty if there is none
   */
  static DataException missing(
      Corpus corpus, String column, List<String> strings, String expression) {
    return new DataException(
        corpus.setting()
            + ": '"
            + corpus.location()
            + "' has no column '"
            + column
            + "'"
            + NearestName.hint(column, strings)
            + "; "
            + remedy(corpus, strings, expression));
  }

  /** Names columns that hold strings, or the query that makes one. */
  private static String remedy(Corpus corpus, List<String> strings, String expression) {
    String query =
        "select "
            + (expression.isEmpty() ? "..." : expression)
            + " as text from "
            + (corpus instanceof Corpus.ParquetFiles
                ? "parquet.`" + corpus.location() + "`"
                : "...");
    String make =
        corpus instanceof Corpus.JsonLines
            ? "its members are no strings"
            : corpus instanceof Corpus.Sql
                ? "select " + (expression.isEmpty() ? "..." : expression) + " as text"
                : "use data.sql = \"" + query + "\" instead of data.parquet";
    if (strings.isEmpty() || !expression.isEmpty()) {
      return make;
    }
    return "set data.text-column to one of: " + String.join(", ", strings);
  }

  /** An expression that makes a string of a column; empty if there is no single one. */
  private static String conversion(String name, DataType type) {
    if (type instanceof BinaryType) {
      return "cast(" + quoted(name) + " as string)";
    }
    if (type instanceof StructType struct) {
      for (StructField field : struct.fields()) {
        if (field.dataType() instanceof StringType) {
          return quoted(name) + "." + quoted(field.name());
        }
      }
    }
    return "";
  }

  /** Expression for a name with dots that leads to a string inside another column; else empty. */
  private static String nested(String column, StructType schema) {
    StructType at = schema;
    String[] names = column.split("\\.", -1);
    StringBuilder expression = new StringBuilder();
    for (int i = 0; i < names.length; i++) {
      int index = Arrays.asList(at.fieldNames()).indexOf(names[i]);
      if (index < 0) {
        return "";
      }
      expression.append(i == 0 ? "" : ".").append(quoted(names[i]));
      DataType type = at.fields()[index].dataType();
      if (type instanceof StringType && i == names.length - 1) {
        return expression.toString();
      }
      if (!(type instanceof StructType struct)) {
        return "";
      }
      at = struct;
    }
    return "";
  }

  private static String quoted(String name) {
    return name.matches("[A-Za-z_]\\w*") ? name : "`" + name.replace("`", "``") + "`";
  }
}
