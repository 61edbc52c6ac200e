package io.antiphon.data.routing;

import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The Parquet form of recorded routing: one row per step, layer and micro-batch. */
final class RoutingTable {
  static final String STEP = "step";
  static final String LAYER = "layer";
  static final String RANKS = "ranks";
  static final String EXPERTS = "experts";

  /** Assignments of each source rank to each expert, row by row: {@code [ranks, experts]}. */
  static final String COUNTS = "counts";

  /** Expert-parallel group; tables of other origin may lack it. */
  static final String GROUP = "group";

  /** Position of the micro-batch in its step; tables of other origin may lack it. */
  static final String MICRO_BATCH = "micro_batch";

  /** What every table has. */
  static final StructType SCHEMA =
      new StructType()
          .add(STEP, DataTypes.LongType, false)
          .add(LAYER, DataTypes.IntegerType, false)
          .add(RANKS, DataTypes.IntegerType, false)
          .add(EXPERTS, DataTypes.IntegerType, false)
          .add(COUNTS, DataTypes.createArrayType(DataTypes.IntegerType, false), false);

  /** What a recording has. */
  static final StructType RECORDED =
      SCHEMA
          .add(GROUP, DataTypes.IntegerType, false)
          .add(MICRO_BATCH, DataTypes.IntegerType, false);

  private RoutingTable() {}
}
