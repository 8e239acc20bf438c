//! Objects, queries, identifiers and elements.

use serde_json::{Value, json};

use super::client::{Session, ask, start};
use crate::sandbox::options::{IdentifiersOrder, ValidElements303};

#[test]
fn identifiers_differ_in_their_local_ids_between_workspaces() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let ask =
        |ws: &str, body: Value| session.post(&format!("/gdc/md/{ws}/identifiers"), &body).json()["identifiers"].take();
    let uri = |ws: &str| ask(ws, json!({"identifierToUri": ["nothing", "date.date.mmddyyyy"]}))[0]["uri"].take();
    let [one, two] = sandbox.workspaces() else { panic!() };
    assert_eq!(uri(one), format!("/gdc/md/{one}/obj/1001"));
    assert_ne!(uri(two).as_str().unwrap().rsplit('/').next(), Some("1001"));
    assert_eq!(ask(two, json!({"uriToIdentifier": [uri(two)]}))[0]["identifier"], "date.date.mmddyyyy");
    assert_eq!(ask(one, json!({"identifierToUri": ["GoodData_Mixin_MdIdToUri"]})), json!([]));
    assert_eq!(ask(one, json!({"uriToIdentifier": [uri(two)]})), json!([]));
}

#[test]
fn identifiers_can_come_in_another_order() {
    let sandbox = start(|options| options.identifiers_order = IdentifiersOrder::Shuffled);
    let session = Session::open(&sandbox);
    let names = ["date.date.mmddyyyy", "label.agents.agent_id", "label.conversations.queue"];
    let path = format!("/gdc/md/{}/identifiers", sandbox.workspace());
    let answer = session.post(&path, &json!({"identifierToUri": names})).json();
    let order: Vec<_> =
        answer["identifiers"].as_array().unwrap().iter().map(|entry| entry["identifier"].as_str().unwrap()).collect();
    assert_ne!(order, names);
    assert_eq!(order.iter().collect::<std::collections::BTreeSet<_>>(), names.iter().collect());
}

#[test]
fn a_report_leads_to_the_meaning_of_its_columns() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    for (id, title) in sandbox.reports() {
        let ws = sandbox.workspace();
        let report = session.get(&format!("/gdc/md/{ws}/obj/{id}")).json();
        assert_eq!(report["report"]["meta"]["title"], *title);
        let definitions = report["report"]["content"]["definitions"].as_array().unwrap();
        let current = session.get(definitions.last().unwrap().as_str().unwrap()).json();
        let grid = &current["reportDefinition"]["content"]["grid"];
        let (mut metrics, mut names) = (Vec::new(), Vec::new());
        let title = |column: &Value, own: &Value| {
            if column["alias"] == "" { own.clone() } else { column["alias"].clone() }
        };
        for row in grid["rows"].as_array().unwrap() {
            let form = session.get(row["attribute"]["uri"].as_str().unwrap()).json();
            let attribute = session.get(form["attributeDisplayForm"]["content"]["formOf"].as_str().unwrap()).json();
            names.push(title(&row["attribute"], &attribute["attribute"]["meta"]["title"]));
        }
        for column in grid["metrics"].as_array().unwrap() {
            let metric = session.get(column["uri"].as_str().unwrap()).json();
            let expression = metric["metric"]["content"]["expression"].as_str().unwrap();
            assert!(expression.starts_with("SELECT ") && expression.contains(&format!("[/gdc/md/{ws}/obj/")));
            metrics.push(title(column, &metric["metric"]["meta"]["title"]));
        }
        names.extend(metrics);
        let header = super::client::records(&session.export(id, &last_day(ws))).first().cloned();
        let Some(header) = header else { continue };
        assert_eq!(json!(header), json!(names));
    }
}

fn last_day(ws: &str) -> Value {
    let constraint = json!({"type": "interval", "from": "2024-12-31", "to": "2024-12-31"});
    json!([{"uri": format!("/gdc/md/{ws}/obj/1001"), "constraint": constraint}])
}

#[test]
fn labels_carry_their_types_and_default() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let ws = sandbox.workspace();
    let date = session.get(&format!("/gdc/md/{ws}/obj/identifier:date.date")).json()["attribute"].take();
    assert_eq!(date["content"]["type"], "GDC.time.date");
    let forms: Vec<_> = date["content"]["displayForms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|form| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&form["meta"]["identifier"]), text(&form["content"]["type"]), form["content"]["default"] == 1)
        })
        .collect();
    let expected = [
        ("date.date.mmddyyyy", "GDC.time.day_us", true),
        ("date.date.yyyymmdd", "GDC.time.day", false),
        ("date.date.mdyy", "GDC.time.day_us_noleading", false),
        ("date.date.long", "GDC.time.day_us_long", false),
        ("date.date.ddmmyyyy", "GDC.time.day_eu", false),
        ("date.date.eddmmyyyy", "GDC.time.day_iso", false),
    ]
    .map(|(identifier, time, default)| (identifier.to_owned(), time.to_owned(), default));
    assert_eq!(forms, expected);
    assert_eq!(session.get(&format!("/gdc/md/{ws}/obj/identifier:no.such")).status, 404);
}

#[test]
fn queries_list_and_page() {
    let sandbox = start(|options| options.query_page_max = 4);
    let session = Session::open(&sandbox);
    let ws = sandbox.workspace();
    for (noun, category) in [
        ("reports", "report"),
        ("attributes", "attribute"),
        ("metrics", "metric"),
        ("datasets", "dataSet"),
        ("facts", "fact"),
        ("folders", "folder"),
        ("dimensions", "dimension"),
        ("reportdefinition", "reportDefinition"),
    ] {
        let entries = session.get(&format!("/gdc/md/{ws}/query/{noun}")).json()["query"]["entries"].take();
        let entries = entries.as_array().unwrap();
        assert!(entries.iter().all(|entry| entry["category"] == category) && !entries.is_empty(), "{noun}");
        let mut paged = Vec::new();
        let mut next = format!("/gdc/md/{ws}/objects/query?category={category}&limit=50");
        loop {
            let mut page = session.get(&next).json()["objects"].take();
            let items = page["items"].as_array_mut().unwrap().split_off(0);
            assert_eq!(page["paging"]["count"], items.len());
            paged.extend(items.iter().map(|item| item[category]["meta"]["uri"].clone()));
            match page["paging"]["next"].as_str() {
                Some(uri) => uri.clone_into(&mut next),
                None => break,
            }
        }
        assert_eq!(paged, entries.iter().map(|entry| entry["link"].clone()).collect::<Vec<_>>());
        let first: Vec<_> = paged.iter().take(4).collect();
        let got = session.post(&format!("/gdc/md/{ws}/objects/get"), &json!({"get": {"items": first}})).json();
        assert_eq!(got["objects"]["items"].as_array().unwrap().len(), first.len());
    }
    assert_eq!(session.get(&format!("/gdc/md/{ws}/query/doesnotexist")).status, 404);
    let prompts = session.get(&format!("/gdc/md/{ws}/query/prompts")).json();
    assert_eq!(prompts["query"]["entries"], json!([]));
}

#[test]
fn the_roots_list_what_clients_look_for() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let categories = |path: &str| -> Vec<String> {
        let about = session.get(path).json()["about"].take();
        about["links"].as_array().unwrap().iter().map(|link| link["category"].as_str().unwrap().to_owned()).collect()
    };
    for wanted in ["md", "uploads", "token", "login"] {
        assert!(categories("/gdc").contains(&wanted.to_owned()), "{wanted}");
    }
    for wanted in ["instance-identifiers", "obj", "query"] {
        let root = categories(&format!("/gdc/md/{}", sandbox.workspace()));
        assert!(root.contains(&wanted.to_owned()), "{wanted}");
    }
    let answer = session.get("/gdc/ping");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[test]
fn the_file_area_is_another_server_with_two_challenges() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let refused = ask(&sandbox, "GET /gdc/uploads/", &[], "");
    let challenges: Vec<_> = refused
        .headers
        .iter()
        .filter(|(name, _)| name == "WWW-Authenticate")
        .map(|(_, value)| value.as_str())
        .collect();
    assert!(challenges[0].starts_with("Basic "), "{challenges:?}");
    assert_eq!(
        challenges[1..],
        ["GoodData realm=\"GoodData API\" cookie=GDCAuthTT location=http://127.0.0.1:1/gdc/account/token"]
    );
    assert_eq!(
        refused.names(),
        ["WWW-Authenticate", "WWW-Authenticate", "Server", "Content-Type", "Connection", "Date", "Content-Length",]
    );
    let missing = session.get("/gdc/uploads/nothing.zip");
    for (answer, status) in [(&refused, 401), (&missing, 404), (&session.post("/gdc/uploads", &json!({})), 405)] {
        assert_eq!((answer.status, answer.header("Server")), (status, "Apache"));
        assert_eq!(answer.header("Content-Type"), "text/html; charset=iso-8859-1");
        assert_eq!(answer.header("Content-Length"), answer.body.len().to_string());
        assert!(answer.text().starts_with("<!DOCTYPE HTML"), "{answer:?}");
    }
}

#[test]
fn elements_are_paged_and_searched() {
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let base = format!("/gdc/md/{}/obj", sandbox.workspace());
    let all = session.get(&format!("{base}/1141/elements?limit=3&offset=1")).json()["attributeElements"].take();
    assert_eq!(all["paging"]["total"], "7");
    assert_eq!((&all["paging"]["offset"], &all["paging"]["count"]), (&json!("1"), &json!(3)));
    assert_eq!(all["elements"][0], json!({"title": "Support DE", "uri": format!("{base}/1140/elements?id=2")}));
    assert_eq!(all["elementsMeta"]["attribute"], format!("{base}/1140"));
    let next = session.get(all["paging"]["next"].as_str().unwrap()).json();
    assert_eq!(next["attributeElements"]["elements"][0]["title"], "Kündigungen");

    let found = session.get(&format!("{base}/1141/elements/?filter=supp&order=desc")).json();
    let titles: Vec<_> =
        found["attributeElements"]["elements"].as_array().unwrap().iter().map(|e| e["title"].clone()).collect();
    assert_eq!(titles, [json!("Support DE"), json!("Support EN")]);
    let one = session.get(&format!("{base}/1005/elements?id=3")).json();
    assert_eq!(one["attributeElements"]["elements"][0]["title"], "03/01/2023");
}

#[test]
fn valid_elements_redirect_first() {
    let request = json!({"validElementsRequest": {"titles": ["Billing", "Callback"]}});
    let sandbox = start(|_| ());
    let session = Session::open(&sandbox);
    let path = format!("/gdc/md/{}/obj/1141/validElements?limit=10&offset=0&order=asc", sandbox.workspace());
    let first = session.post(&path, &request);
    assert_eq!((first.status, &first.json()["uri"]), (303, &json!(first.header("Location"))));
    let followed = session.get(first.header("Location")).json();
    let again = session.post(&path, &request);
    assert_eq!((again.status, again.json()), (200, followed.clone()));
    let items = followed["validElements"]["items"].as_array().unwrap();
    let titles: Vec<_> = items.iter().map(|item| item["element"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Billing", "Callback"]);
    assert_eq!(followed["validElements"]["paging"]["total"], "2");
    assert_eq!(session.get(&first.header("Location").replace("c=", "c=0")).status, 400);

    let never = start(|options| options.valid_elements_303 = ValidElements303::Never);
    let session = Session::open(&never);
    assert_eq!(session.post(&path, &request).status, 200);
}
