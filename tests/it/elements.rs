//! The values of labels: all pages, the search, and both ways in which the service answers about titles.

use std::{collections::BTreeSet, time::Duration};

use insightframe::{
    ids::{Identifier, ObjectUri},
    insights::{AuthMode, Element},
    sandbox::options::ValidElements303,
};
use serde_json::json;

use crate::stage::{Stage, TOKEN, refused};

const LIST: &str = "/gdc/md/*/elements";
const VALID: &str = "/gdc/md/*/validElements";

async fn label(stage: &Stage, name: &str) -> ObjectUri {
    let name = Identifier::parse(name).unwrap();
    let workspace = stage.client.workspace(None).unwrap();
    let found = stage.client.identifiers(&stage.call(), &workspace, std::slice::from_ref(&name)).await.unwrap();
    found[&name].clone()
}

async fn elements(stage: &Stage, name: &str, contains: Option<&str>, limit: Option<usize>) -> Vec<Element> {
    let label = label(stage, name).await;
    stage.client.elements(&stage.call(), &label, contains, limit).await.unwrap()
}

fn titles(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(|element| element.title.as_str()).collect()
}

fn owned(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

#[tokio::test]
async fn all_pages_of_a_long_list_come_once_and_in_order() {
    let stage = Stage::new();
    let customers = elements(&stage, "label.customers.phone", None, None).await;
    assert_eq!(customers.len(), 50_000);
    assert_eq!(customers.iter().map(|element| &element.uri).collect::<BTreeSet<_>>().len(), 50_000);
    assert_eq!(customers[0].title, "+447700900000");
    assert!(customers[49_999].uri.ends_with("/obj/1400/elements?id=50000"), "{}", customers[49_999].uri);
    assert_eq!(stage.sent("GET", LIST), 100);
}

#[tokio::test]
async fn a_search_is_the_services_and_a_limit_asks_for_no_more() {
    let stage = Stage::new();
    let queues = "label.conversations.queue";
    assert_eq!(titles(&elements(&stage, queues, Some("supp"), None).await), ["Support EN", "Support DE"]);
    assert_eq!(titles(&elements(&stage, queues, Some("ü"), None).await), ["Kündigungen"]);
    assert_eq!(titles(&elements(&stage, queues, Some("&limit=1#?x%"), None).await), [""; 0]);
    assert_eq!(titles(&elements(&stage, queues, None, Some(2)).await), ["Support EN", "Support DE"]);
    assert_eq!(elements(&stage, queues, None, Some(700)).await.len(), 7);
    stage.sandbox.clear_ledger();
    assert_eq!(elements(&stage, "label.customers.name", None, Some(700)).await.len(), 700);
    let asked: Vec<_> = stage.requests("GET", LIST).into_iter().map(|entry| entry.query).collect();
    assert_eq!(asked, ["limit=500&offset=0&order=asc", "limit=200&offset=500&order=asc"]);
}

#[tokio::test]
async fn titles_are_found_whichever_way_the_service_answers() {
    let asked = owned(&["Billing", "Kündigungen", "Sales, New Business", "billing", "Nowhere", ""]);
    for auth in [AuthMode::Header, AuthMode::Cookie] {
        for (form, posts, gets) in
            [(ValidElements303::FirstCall, 2, 1), (ValidElements303::Always, 2, 2), (ValidElements303::Never, 2, 0)]
        {
            let stage = Stage::with(|served| served.valid_elements_303 = form, |options| options.auth = auth);
            let queues = label(&stage, "label.conversations.queue").await;
            for _ in 0..2 {
                let found = stage.client.element_uris(&stage.call(), &queues, &asked).await.unwrap();
                assert_eq!(found.keys().collect::<Vec<_>>(), ["Billing", "Kündigungen", "Sales, New Business"]);
                let attribute = format!("/gdc/md/{}/obj/1140/elements?id=4", stage.sandbox.workspace());
                assert_eq!(found["Billing"], attribute);
            }
            assert_eq!((stage.sent("POST", VALID), stage.sent("GET", VALID)), (posts, gets), "{auth:?} {form:?}");
            assert!(stage.sandbox.ledger().iter().all(|entry| entry.status.is_some_and(|status| status < 400)));
        }
    }
}

#[tokio::test]
async fn many_titles_travel_in_portions_and_none_is_lost() {
    let stage = Stage::with(|served| served.valid_elements_303 = ValidElements303::Always, |_| ());
    let phones = label(&stage, "label.customers.phone").await;
    let all = stage.client.elements(&stage.call(), &phones, Some("99"), Some(1_500)).await.unwrap();
    let mut asked = owned(&titles(&all));
    asked.extend(owned(&["+0", "+1", "+2"]));
    let found = stage.client.element_uris(&stage.call(), &phones, &asked).await.unwrap();
    assert_eq!(found.len(), all.len());
    assert!(all.len() > 1_000 && all.iter().all(|element| found[&element.title] == element.uri));
    assert_eq!(stage.sent("POST", VALID), asked.len().div_ceil(200));
    // The longest addresses that this leads to are followed.
    let long: Vec<_> = (0..200).map(|number| format!("{number}{}", "東京 \u{1f389}\"\\".repeat(8))).collect();
    assert!(stage.client.element_uris(&stage.call(), &phones, &long).await.unwrap().is_empty());
    assert!(stage.client.element_uris(&stage.call(), &phones, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_computed_yet_is_asked_for_again() {
    let stage = Stage::new();
    let queues = label(&stage, "label.conversations.queue").await;
    let asked = owned(&["Billing"]);
    stage.fault(json!({"fault": "status", "status": 202, "method": "GET", "path": VALID, "times": 3, "body": ""}));
    let call = stage.call();
    assert_eq!(stage.client.element_uris(&call, &queues, &asked).await.unwrap().len(), 1);
    assert_eq!((stage.sent("POST", VALID), stage.sent("GET", VALID)), (1, 4));
    assert_eq!(call.progress.get(insightframe::progress::Count::Polls), 3);

    // The token dies between two looks: it is renewed, and the question is put once more.
    stage.fault(json!({"fault": "status", "status": 202, "method": "GET", "path": VALID, "times": 1, "body": ""}));
    stage.fault(json!({"fault": "expire_tt", "method": "GET", "path": VALID, "skip": 1, "times": 1}));
    let others = owned(&["Callback"]);
    assert_eq!(stage.client.element_uris(&stage.call(), &queues, &others).await.unwrap().len(), 1);
    assert_eq!(stage.sent("GET", TOKEN), 1);
}

#[tokio::test]
async fn an_empty_answer_means_none_and_an_endless_one_ends() {
    let stage = Stage::new();
    let queues = label(&stage, "label.conversations.queue").await;
    let asked = owned(&["Billing"]);
    stage.fault(json!({"fault": "status", "status": 204, "method": "GET", "path": VALID, "times": 1, "body": ""}));
    assert!(stage.client.element_uris(&stage.call(), &queues, &asked).await.unwrap().is_empty());

    stage.fault(json!({"fault": "status", "status": 202, "path": VALID, "body": ""}));
    let call = stage.call_within(Duration::from_secs(60));
    let error = refused(stage.client.element_uris(&call, &queues, &asked).await);
    assert_eq!(error.code(), "DeadlineExceeded");
    // Even a call that may take for ever takes no longer than an export.
    let before = stage.clock.now();
    let error = refused(stage.client.element_uris(&stage.call(), &queues, &asked).await);
    assert_eq!(error.code(), "DeadlineExceeded");
    assert!(stage.clock.now().since(before) <= stage.client.timeout() + Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_no_label_is_refused_in_the_services_words() {
    let stage = Stage::new();
    let attribute = label(&stage, "attr.conversations.queue").await;
    let error = refused(stage.client.elements(&stage.call(), &attribute, None, None).await);
    assert_eq!(error.code(), "UnexpectedReply");
    assert!(error.to_string().contains("NO DISPLAY FORM"), "{error}");
    let unknown = ObjectUri { number: 99, ..attribute };
    let error = refused(stage.client.element_uris(&stage.call(), &unknown, &owned(&["x"])).await);
    assert_eq!(error.code(), "NotFound");
}

#[tokio::test]
async fn an_answer_that_leads_away_is_not_followed() {
    let stage = Stage::new();
    let queues = label(&stage, "label.conversations.queue").await;
    let asked = owned(&["Billing"]);
    for to in ["https://evil.example/gdc/x", "//evil.example/gdc/x", "/other"] {
        stage.sandbox.clear_faults();
        stage.fault(json!({"fault": "redirect", "to": to, "status": 303, "path": VALID}));
        let error = refused(stage.client.element_uris(&stage.call(), &queues, &asked).await);
        assert_eq!(error.code(), "UntrustedUri", "{to}");
    }
    // Nor is an element taken for one of this workspace when it is none: filters send its address back.
    let other = format!("/gdc/md/{}/obj/1140/elements?id=1", stage.sandbox.workspaces()[1]);
    for uri in [other.as_str(), "https://evil.example/gdc/md/x", "/gdc/account/token", "no uri"] {
        stage.sandbox.clear_faults();
        let body =
            json!({"attributeElements": {"elements": [{"title": "Billing", "uri": uri}], "paging": {"total": "1"}}});
        stage.fault(json!({"fault": "status", "status": 200, "path": LIST, "body": body.to_string()}));
        let error = refused(stage.client.elements(&stage.call(), &queues, None, None).await);
        assert_eq!(error.code(), "UntrustedUri", "{uri}");
    }
    // A list that ends before it says is not taken for a whole one.
    stage.sandbox.clear_faults();
    let own = format!("/gdc/md/{}/obj/1140/elements?id=1", stage.sandbox.workspace());
    let body = json!({"attributeElements": {"elements": [{"title": "Billing", "uri": own}], "paging": {"total": "7"}}});
    stage.fault(json!({"fault": "status", "status": 200, "path": LIST, "body": body.to_string()}));
    let error = refused(stage.client.elements(&stage.call(), &queues, None, None).await);
    assert!(error.to_string().contains("of 7 elements the service gave 1, and then no more"), "{error}");
}
