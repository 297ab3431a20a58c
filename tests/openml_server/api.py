"""State and answers of the server: tasks from a folder, flows, runs and studies."""

import itertools
import re
from pathlib import Path

import arff

from tests.openml_server.elements import (
    children,
    dump,
    element,
    find,
    insert,
    put,
    without,
)
from tests.openml_server.faults import Died
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
# The original joins a table for each parameter of a setup, and MySQL 61 tables at most.
_MOST_PARAMETERS = 60


class Api:
    """State and answers of the server, without HTTP.

    Parameters
    ----------
    folder : Path
        Contains tasks/ID and datasets/ID, as a cache of openml does.

    Attributes
    ----------
    flows : dict
        ID -> flow without its components, which are flows of their own.
    file_limit : int
        Bytes of an uploaded file.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.file_limit = 2 * 2**20
        self.flows, self.setups, self.runs, self.studies = {}, {}, {}, {}
        self._components, self._rivals = {}, []
        self._number = itertools.count(101)
        self._routes = [
            ("GET", r"/task/(\d+)", self._get_task),
            ("GET", r"/data/(\d+)", lambda n: self._file(n, "description.xml", 111)),
            ("GET", r"/data/(features|qualities)/(\d+)", self._get_meta_data),
            ("POST", r"/flow/exists", self._flow_exists),
            ("POST", r"/flow/", self._post_flow),
            ("GET", r"/flow/(\d+)", self._get_flow),
            ("DELETE", r"/flow/(\d+)", self._delete_flow),
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

    def answer(self, method, path, form, uploads, fault=None):
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
        fault : Fault or None
            Failure while the server writes a flow.

        Returns
        -------
        content : bytes
        """
        for rows, pace in self._rivals:
            _exhaust(itertools.islice(rows, pace))
        if fault:
            self._interrupt(uploads, fault)
        for verb, pattern, function in self._routes:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                given = (form, uploads) if method == "POST" else match.groups()
                return function(*given)
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
        if what == "qualities":
            return self._file(number, "qualities.xml", 362)
        features = parse(self._file(number, "features.xml", 271), None, 271)
        for feature in children(features, "feature"):
            # The order of the database, which ignores case, and not that of the file.
            values = children(feature, "nominal_value")
            texts = sorted((value.text for value in values), key=str.casefold)
            for value, text in zip(values, texts, strict=True):
                value.text = text
        return dump(features)

    def _procedure(self, number):
        """Return the numbers of repeats and folds of a task; 0 if it states none."""
        task = parse(self._get_task(number), None, 151)
        stated = {each.get("name"): each.text for each in task.iter("{*}parameter")}
        names = "number_repeats", "number_folds"
        return [int(stated.get(name) or 0) for name in names]

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
        flow = _read_flow(uploads)
        if self._known(find(flow, "name"), find(flow, "external_version")):
            raise Refusal(171, "flow already exists", find(flow, "name"))
        number = next(self._number)
        _exhaust(self._write(flow, number))
        return dump(element("upload_flow", id=number))

    def _interrupt(self, uploads, fault):
        """Write a flow in part, and die or let another process complete it later."""
        rows = self._write(_read_flow(uploads), next(self._number))
        _exhaust(itertools.islice(rows, fault.rows))
        if fault.kind == "die":
            raise Died
        self._rivals.append((rows, fault.rows))

    def _write(self, flow, number):
        """Write a flow, and yield after each row: there is no transaction."""
        head = without(flow, "component", "parameter")
        insert(head, "uploader", _USER)
        insert(head, "id", number)
        insert(head, "version", 1, before="external_version")
        insert(head, "upload_date", _DATE, after="description")
        self.flows[number], self._components[number] = head, []
        yield
        for parameter in children(flow, "parameter"):
            put(head, without(parameter))
            yield
        for component in children(flow, "component"):
            name, part = find(component, "identifier"), component[1]
            known = self._known(find(part, "name"), find(part, "external_version"))
            if not known:
                known = next(self._number)
                yield from self._write(part, known)
            self._components[number].append((name, known))
            yield

    def _get_flow(self, number):
        return dump(self._flow(int(number)))

    def _flow(self, number):
        if number not in self.flows:
            raise Refusal(181, "Unknown flow", str(number))
        whole = without(self.flows[number])
        for name, part in self._components[number]:
            identifier = element("identifier", text=name)
            put(whole, element("component", identifier, self._flow(part)))
        return whole

    def _delete_flow(self, number):
        number = int(number)
        if number not in self.flows:
            raise Refusal(322, "flow does not exist")
        if any(run["flow_id"] == number for run in self.runs.values()):
            raise Refusal(324, "flow is in use by other content (runs)")
        parts = itertools.chain(*self._components.values())
        if any(part == number for _, part in parts):
            raise Refusal(328, "flow is in use by other content (it is a subflow)")
        del self.flows[number], self._components[number]
        return dump(element("flow_delete", id=number))

    def _parts(self, number):
        """Return a dict of IDs and flows: the flow and all its components."""
        parts = {number: self.flows[number]}
        for _, part in self._components[number]:
            parts |= self._parts(part)
        return parts

    # setups: flows with values of their parameters

    def _setup_of(self, description, unknown_flow, unknown_parameter, too_many):
        """Return the key of a setup; the other arguments are codes of refusals."""
        number = int(find(description, "flow_id"))
        if number not in self.flows:
            raise Refusal(unknown_flow, "Unknown flow", str(number))
        parts = self._parts(number)
        settings = {}
        for setting in children(description, "parameter_setting"):
            name, value = find(setting, "name"), find(setting, "value")
            part = int(find(setting, "component") or number)
            known = children(parts[part], "parameter") if part in parts else ()
            names = {find(each, "name") for each in known}
            if name not in names or (part, name) in settings:
                reason = f"Name: {name}, flow id (component): {part}"
                raise Refusal(unknown_parameter, "Parameter in run xml unknown", reason)
            settings[part, name] = value
        if len(settings) > _MOST_PARAMETERS:
            reason = "Flow might not be suitable for this operation (feature request)"
            raise Refusal(too_many, "Database error: setup search failed.", reason)
        return number, frozenset(settings.items())

    def _setup_exists(self, form, uploads):
        description = parse(_upload(uploads, "description")[1], "run.upload", 582)
        key = self._setup_of(description, 584, 586, 588)
        number = self.setups.get(key, -1)
        return dump(element("setup_exists", exists=str(number > 0).lower(), id=number))

    def _get_setup(self, number):
        found = [key for key, value in self.setups.items() if value == int(number)]
        if not found:
            raise Refusal(281, "Unknown setup", number)
        ((flow_id, settings),) = found
        parts = self._parts(flow_id)
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
        for field, (_, file) in uploads.items():
            if len(file) > self.file_limit:
                reason = f'Upload problem with file "{field}": 0 bytes'
                raise Refusal(207, "File upload failed", reason)
        folds = read_folds(self.folder / "tasks" / task / "datasplits.arff")
        key = self._setup_of(description, 205, 213, 215)
        self._check_measures(task, description)
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
            "evaluated": False,
            "failed": False,
        }
        return dump(element("upload_run", run_id=number))

    def _check_measures(self, task, description):
        """Raise a Refusal for measures of repeats or folds that a task cannot have."""
        repeats, folds = self._procedure(task)
        illegal = []
        for evaluation in description.iter("{*}evaluation"):
            place = int(evaluation.get("repeat")), int(evaluation.get("fold"))
            if find(evaluation, "name") not in _MEASURES:
                raise Refusal(217, "Unknown measure", find(evaluation, "name"))
            if place[0] >= repeats or place[1] >= folds:
                illegal.append(f"{find(evaluation, 'name')}{place}")
        if illegal:
            message = "Error processing output data: illegal combination of attributes"
            raise Refusal(216, message, f"Measure(s): {', '.join(illegal)}")

    def evaluate(self, failed=()):
        """Do what OpenML's engine does, minutes or hours after an upload.

        Until then a run has no measures and no trace.

        Parameters
        ----------
        failed : collection of int
            IDs of runs that the engine cannot evaluate. They are not listed any more.
        """
        for number, run in self.runs.items():
            run["evaluated"], run["failed"] = True, number in failed

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
        output = element("output_data")
        if run["evaluated"]:
            output.extend(list(root.iter("{*}evaluation")))
        for sent in children(root, "output_data"):
            root.remove(sent)
        root.append(output)
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
        run = self._run(number)
        if run["trace"] is None or not run["evaluated"]:
            raise Refusal(572, "No successful trace associated with this run.", number)
        return dump(run["trace"])

    def _list_runs(self, filters):
        words = filters.strip("/").split("/")
        wanted = dict(zip(words[::2], words[1::2], strict=True))
        found = []
        for number, run in self.runs.items():
            fits = [not run["failed"]] + [
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


def _read_flow(uploads):
    return parse(_upload(uploads, "description")[1], "implementation.upload", 163)


def _exhaust(rows):
    for _ in rows:
        pass
