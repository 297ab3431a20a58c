"""State and answers of the server: tasks from a folder, flows, runs and studies."""

import itertools
import re
from pathlib import Path

import arff

from tests.openml_server.elements import children, dump, element, find, insert
from tests.openml_server.predictions import (
    check_predictions,
    read_folds,
    read_trace,
)
from tests.openml_server.schemas import Refusal, check, parse

_DATE = "2026-01-01T00:00:00"
_USER = 7
_MEASURES = {"predictive_accuracy", "mean_absolute_error"} | {
    f"{clock}_time_millis{part}"
    for clock in ("usercpu", "wall_clock")
    for part in ("", "_training", "_testing")
}


class Api:
    """State and answers of the server, without HTTP.

    Parameters
    ----------
    folder : Path
        Contains tasks/ID and datasets/ID, as a cache of openml does.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.flows, self.setups, self.runs, self.studies = {}, {}, {}, {}
        self._number = itertools.count(101)
        self._routes = [
            ("GET", r"/task/(\d+)", self._get_task),
            ("GET", r"/data/(\d+)", lambda n: self._file(n, "description.xml", 111)),
            ("GET", r"/data/(features|qualities)/(\d+)", self._get_meta_data),
            ("POST", r"/flow/exists", self._flow_exists),
            ("POST", r"/flow/", self._post_flow),
            ("GET", r"/flow/(\d+)", self._get_flow),
            ("POST", r"/setup/exists/", self._setup_exists),
            ("GET", r"/setup/(\d+)", self._get_setup),
            ("POST", r"/run/", self._post_run),
            ("GET", r"/run/(\d+)", self._get_run),
            ("GET", r"/run/list(/.*)?", self._list_runs),
            ("GET", r"/run/trace/(\d+)", self._get_trace),
            ("POST", r"/study/", self._post_study),
            ("GET", r"/study/(\d+)", self._get_study),
        ]
        self._files = [
            (r"/api_splits/get/(\d+)/.*", self._get_splits),
            (r"/data/(\d+)/dataset.arff", lambda n: self._file(n, "dataset.arff", 111)),
            (r"/runs/(\d+)/predictions.arff", self._get_predictions),
        ]

    def answer(self, method, path, form, uploads):
        """Return the content of an answer.

        Parameters
        ----------
        method : {"GET", "POST"}
        path : str
            Path after "/api/v1/xml", or path of a file elsewhere.
        form : dict
            Text fields.
        uploads : dict
            Field -> (name, content) of a file.

        Returns
        -------
        content : bytes
        """
        for verb, pattern, function in self._routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method == "GET":
                return function(*match.groups())
            if match and verb == method:
                return function(form, uploads)
        for pattern, function in self._files:
            match = re.fullmatch(pattern, path)
            if match and method == "GET":
                return function(*match.groups())
        raise Refusal(100, "Function not valid", f"{method} {path}")

    # tasks and data sets

    def _read(self, path, code):
        if not path.is_file():
            raise Refusal(code, "Unknown id", str(path.name))
        return path.read_bytes()

    def _get_task(self, number):
        return self._read(self.folder / "tasks" / number / "task.xml", 151)

    def _get_splits(self, number):
        return self._read(self.folder / "tasks" / number / "datasplits.arff", 151)

    def _file(self, number, name, code):
        return self._read(self.folder / "datasets" / number / name, code)

    def _get_meta_data(self, what, number):
        return self._file(number, f"{what}.xml", 362 if what == "qualities" else 271)

    def _truth(self, number):
        """Return the ID of a task's data set, and the label of each sample."""
        task = parse(self._get_task(number), None, 151)
        (data,) = task.iter("{*}data_set_id")
        (target,) = task.iter("{*}target_feature")
        loaded = arff.loads(self._file(data.text, "dataset.arff", 111).decode())
        column = [name for name, _ in loaded["attributes"]].index(target.text)
        return data.text, [line[column] for line in loaded["data"]]

    # flows

    def _flow_exists(self, form, uploads):
        number = self._known(form["name"], form["external_version"])
        return dump(
            element(
                "flow_exists",
                exists=str(number > 0).lower(),
                id=number if number else -1,
            )
        )

    def _known(self, name, external_version):
        for number, flow in self.flows.items():
            key = find(flow, "name"), find(flow, "external_version")
            if key == (name, external_version):
                return number
        return 0

    def _post_flow(self, form, uploads):
        flow = parse(_upload(uploads, "description")[1], "implementation.upload", 163)
        if self._known(find(flow, "name"), find(flow, "external_version")):
            raise Refusal(171, "Flow exists", find(flow, "name"))
        return dump(element("upload_flow", id=self._add_flow(flow)))

    def _add_flow(self, flow):
        for component in children(flow, "component"):
            self._add_flow(component[1])
        number = self._known(find(flow, "name"), find(flow, "external_version"))
        number = number or next(self._number)
        insert(flow, "uploader", _USER)
        insert(flow, "id", number)
        insert(flow, "version", 1, before="external_version")
        insert(flow, "upload_date", _DATE, after="description")
        self.flows.setdefault(number, flow)
        return number

    def _get_flow(self, number):
        if int(number) not in self.flows:
            raise Refusal(181, "Unknown flow", number)
        return dump(self.flows[int(number)])

    def _parts(self, flow):
        """Return a dict of IDs and flows: the flow and all its components."""
        parts = {int(find(flow, "id")): flow}
        for component in children(flow, "component"):
            parts |= self._parts(component[1])
        return parts

    # setups: flows with values of their parameters

    def _setup_of(self, description):
        """Return the key of a setup, after checking its parameters."""
        number = int(find(description, "flow_id"))
        if number not in self.flows:
            raise Refusal(205, "Unknown flow", str(number))
        parts = self._parts(self.flows[number])
        settings = {}
        for setting in children(description, "parameter_setting"):
            name, value = find(setting, "name"), find(setting, "value")
            part = int(find(setting, "component") or number)
            flow = parts.get(part, ())
            names = {
                find(each, "name") for each in flow if each.tag.endswith("parameter")
            }
            if name not in names or (part, name) in settings:
                raise Refusal(213, "Unknown parameter", f"{name} of flow {part}")
            settings[part, name] = value
        return number, frozenset(settings.items())

    def _setup_exists(self, form, uploads):
        description = parse(_upload(uploads, "description")[1], "run.upload", 202)
        number = self.setups.get(self._setup_of(description), -1)
        return dump(element("setup_exists", exists=str(number > 0).lower(), id=number))

    def _get_setup(self, number):
        found = [key for key, value in self.setups.items() if value == int(number)]
        if not found:
            raise Refusal(281, "Unknown setup", number)
        ((flow_id, settings),) = found
        parts = self._parts(self.flows[flow_id])
        parameters = [
            element(
                "parameter",
                id=position,
                flow_id=part,
                flow_name=find(parts[part], "name"),
                full_name=f"{find(parts[part], 'name')}(1)_{name}",
                parameter_name=name,
                data_type="",
                default_value="",
                value=value,
            )
            for position, ((part, name), value) in enumerate(sorted(settings), 1)
        ]
        return dump(
            element(
                "setup_parameters",
                element("setup_id", text=number),
                element("flow_id", text=str(flow_id)),
                *parameters,
            )
        )

    # runs

    def _post_run(self, form, uploads):
        name, content = _upload(uploads, "description")
        if not name.endswith(".xml"):
            raise Refusal(206, "Wrong file extension", f"description: {name}")
        description = parse(content, "run.upload", 202)
        task = find(description, "task_id")
        if not (self.folder / "tasks" / task).is_dir():
            raise Refusal(204, "Unknown task", task)
        folds = read_folds(self.folder / "tasks" / task / "datasplits.arff")
        key = self._setup_of(description)
        for evaluation in description.iter("{*}evaluation"):
            place = int(evaluation.get("repeat")), int(evaluation.get("fold"))
            if find(evaluation, "name") not in _MEASURES:
                raise Refusal(217, "Unknown measure", find(evaluation, "name"))
            if place not in folds:
                raise Refusal(216, "Unknown repeat or fold", str(place))
        _, truth = self._truth(task)
        check_predictions(_upload(uploads, "predictions"), folds, truth)
        number = next(self._number)
        trace = None
        if "trace" in uploads:
            trace = read_trace(uploads["trace"], folds, number)
        setup = self.setups.setdefault(key, next(self._number))
        self.runs[number] = {
            "description": description,
            "predictions": uploads["predictions"][1],
            "trace": trace,
            "task_id": int(task),
            "setup_id": setup,
            "flow_id": key[0],
        }
        return dump(element("upload_run", run_id=number))

    def _run(self, number):
        if int(number) not in self.runs:
            raise Refusal(236, "Unknown run", str(number))
        return self.runs[int(number)]

    def _get_run(self, number):
        run = self._run(number)
        root = parse(dump(run["description"]), "run.upload", 202)
        insert(root, "uploader_name", "somebody")
        insert(root, "uploader", _USER)
        insert(root, "run_id", number)
        insert(root, "task_type", "Supervised Classification", after="task_id")
        insert(root, "setup_id", run["setup_id"], after="flow_id")
        data, _ = self._truth(str(run["task_id"]))
        dataset = element("dataset", did=data, name="made", url="http://127.0.0.1/")
        (output,) = children(root, "output_data")
        output.addprevious(element("input_data", dataset))
        for position, name in enumerate(("description", "predictions")):
            url = f"{self.base}/runs/{number}/{name}.arff"
            file = element("file", did=-1, file_id=number, name=name, url=url)
            output.insert(position, file)
        check(root, "run.upload", 202)
        # The schema of runs, unlike that of flows, refuses "=" in names of flows.
        flow = self.flows[run["flow_id"]]
        insert(root, "flow_name", find(flow, "name"), after="flow_id")
        return dump(root)

    def _get_predictions(self, number):
        return self._run(number)["predictions"]

    def _get_trace(self, number):
        if self._run(number)["trace"] is None:
            raise Refusal(572, "Run has no trace", number)
        return dump(self._run(number)["trace"])

    def _list_runs(self, filters):
        words = filters.strip("/").split("/")
        wanted = dict(zip(words[::2], words[1::2], strict=True))
        found = []
        for number, run in self.runs.items():
            fits = [
                str(run[f"{name}_id"]) in wanted[name].split(",")
                for name in ("task", "setup", "flow")
                if name in wanted
            ]
            if all(fits):
                keys = {key: run[f"{key}_id"] for key in ("task", "setup", "flow")}
                line = element(
                    "run",
                    run_id=number,
                    **{f"{key}_id": value for key, value in keys.items()},
                    uploader=_USER,
                    task_type_id=1,
                    upload_time=_DATE,
                    error_message="",
                )
                found.append(line)
        if not found[int(wanted.get("offset", 0)) :]:
            raise Refusal(512, "No results")
        return dump(element("runs", *found))

    # studies

    def _post_study(self, form, uploads):
        study = parse(_upload(uploads, "description")[1], "study.upload", 202)
        for number in study.iter("{*}run_id"):
            self._run(number.text)
        for number in study.iter("{*}task_id"):
            self._get_task(number.text)
        number = next(self._number)
        insert(study, "creator", 7, after="description")
        insert(study, "creation_date", _DATE, after="description")
        insert(study, "status", "in_preparation", after="description")
        insert(study, "id", number)
        check(study, "study.upload", 202)
        self.studies[number] = study
        return dump(element("study_upload", id=number))

    def _get_study(self, number):
        if int(number) not in self.studies:
            raise Refusal(601, "Unknown study", number)
        return dump(self.studies[int(number)])


def _upload(uploads, field):
    if field not in uploads:
        raise Refusal(201, "File is missing", field)
    return uploads[field]
