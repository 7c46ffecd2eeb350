// The shapes that ringward.json must have, from Grafana's own types. `typed.py` writes the values.
import type { DataQuery, Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as StateTimelineField,
  Options as StateTimelineOptions,
} from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type {
  FieldConfig as TableField,
  Options as TableOptions,
} from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type {
  FieldConfig as TimeSeriesField,
  Options as TimeSeriesOptions,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// In JSON an enum is its text.
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

// Grafana's package has no type for queries to Prometheus any more.
interface PrometheusQuery extends DataQuery {
  datasource: { type: 'prometheus'; uid: '${datasource}' };
  expr: string;
  format: 'table' | 'time_series';
  instant: boolean;
  range: boolean;
  legendFormat?: string;
}

type Options = {
  bargauge: BarGaugeOptions;
  stat: StatOptions;
  'state-timeline': StateTimelineOptions;
  table: TableOptions;
  timeseries: TimeSeriesOptions;
};

type Custom = {
  bargauge: Record<string, never>;
  stat: Record<string, never>;
  'state-timeline': StateTimelineField;
  table: TableField;
  timeseries: TimeSeriesField;
};

type Fields<Kind extends keyof Custom> = Omit<FieldConfigSource, 'defaults'> & {
  defaults: Omit<FieldConfig, 'custom'> & { custom: Custom[Kind] };
};

// What a panel must have, beyond what Grafana demands: a place, a description and queries.
export type TypedPanel<Kind extends keyof Options> = Plain<
  Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> &
    Required<Pick<Panel, 'id' | 'title' | 'description' | 'gridPos' | 'datasource'>> & {
      type: Kind;
      options: Options[Kind];
      fieldConfig: Fields<Kind>;
      targets: PrometheusQuery[];
    }
>;
export type TypedRow = Plain<RowPanel>;
export type TypedDashboard = Plain<Omit<Dashboard, 'panels'>>;
