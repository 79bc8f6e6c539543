import { element } from "./html.ts";
import { type JupyterBundle, jupyterBundle } from "./jupyter_bundle.ts";
import { renderStatus, type Status } from "./status.ts";

const BAR_HTML = "display:inline-block;width:160px;height:8px;margin-right:10px;border-radius:4px;overflow:hidden;" +
  "vertical-align:middle;background-color:rgba(128,128,128,.25)";

/** A status for a notebook. */
export function statusBundle(status: Status): JupyterBundle {
  const text = renderStatus(status, { form: "log" });
  const { share } = status;
  const done = `display:block;height:8px;width:${((share ?? 0) * 100).toFixed(1)}%;background-color:#3b82f6`;
  const bar = share === undefined ? undefined : element("span", { style: BAR_HTML }, element("span", { style: done }));
  return jupyterBundle(text, element("div", { style: "font-size:13px;padding:2px 0" }, bar, text).source);
}
