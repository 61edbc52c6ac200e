/** Files on any file system that Hadoop reaches. */
@NullMarked
package io.antiphon.data.files;

import org.jspecify.annotations.NullMarked;
