/**
 * Where texts come from: files, lines, JSON, tables, the shipped corpus; and what was found there.
 */
@NullMarked
package io.antiphon.data.text;

import org.jspecify.annotations.NullMarked;
