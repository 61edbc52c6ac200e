/** ECHO planners: assignment counts in, clones and their quotas out; integers only. */
@NullMarked
package io.antiphon.plan;

import org.jspecify.annotations.NullMarked;
