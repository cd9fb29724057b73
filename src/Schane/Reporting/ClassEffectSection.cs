using Schane.Evaluation.Statistics;

namespace Schane.Reporting;

/// <summary>Where a difference comes from: each class's accuracy under every objective, and what the last adds to the first, or to the one
/// that all are compared with.</summary>
internal static class ClassEffectSection
{
    public static ReportSection? Of(Comparison comparison)
    {
        var runs = comparison.Runs.Where(run => run.PerClass is not null).ToArray();
        var objectives = comparison.Objectives.Where(objective => runs.Any(run => run.Objective == objective.Name)).ToArray();
        if (objectives.Length < 2)
            return null;
        var first = objectives.FirstOrDefault(objective => objective.Name == comparison.Against) ?? objectives[0];
        var last = objectives.Last(objective => objective != first);
        var metric = Metric.Of("top1");
        var rows = runs.SelectMany(run => run.PerClass!.Keys).Distinct()
            .Select(name => (Name: name, Effect: Paired(runs, last, first, name))).Where(row => row.Effect is not null)
            .OrderByDescending(row => Math.Abs(row.Effect!.Mean)).ThenBy(row => row.Name, StringComparer.Ordinal)
            .Select(row => Html.Of($"""
                <tr><th scope="row">{Html.Name(row.Name)}</th>
                {Html.Join(objectives.Select(objective => ClassSection.Share(Mean(runs, objective, row.Name))))}
                {ClassSection.Number(Effect.Signed(metric, row.Effect!.Mean), row.Effect.Mean)}
                <td class="range">{Effect.Range(metric, row.Effect)}</td></tr>

                """)).ToArray();
        return new("classes", "Classes", Html.Of($"""
            <p>What {last.Label} adds to {first.Label}, class by class, in percentage points; the greatest effects first.
            The intervals are not adjusted for the number of classes: some will miss zero by chance.</p>
            <p class="note">{Quantity.Of(rows.Length, "class", "classes")}; mean accuracy over
            {ObjectivesSection.Units(comparison)}; a heading sorts by its column.</p>
            <div class="scroll tall" role="region" aria-label="Effect by class" tabindex="0">
            <table id="classes-table" class="sortable">
            <thead><tr>{ClassSection.Heading("Class", false)}
            {Html.Join(objectives.Select(objective => ClassSection.Heading(objective.Label, true)))}
            {ClassSection.Heading("Difference", true)}<th scope="col">95 % interval</th></tr></thead>
            <tbody>
            {Html.Join(rows)}</tbody>
            </table>
            </div>
            """));
    }

    private static double? Mean(ComparedRun[] runs, ComparedObjective objective, string name)
    {
        var values = runs.Where(run => run.Objective == objective.Name && run.PerClass!.ContainsKey(name))
            .Select(run => run.PerClass![name]).ToArray();
        return values.Length > 0 ? values.Average() : null;
    }

    private static Interval? Paired(ComparedRun[] runs, ComparedObjective last, ComparedObjective first, string name)
    {
        double[] differences =
        [
            .. from a in runs
               where a.Objective == last.Name && a.PerClass!.ContainsKey(name)
               from b in runs
               where b.Objective == first.Name && b.Seed == a.Seed && b.PerClass!.ContainsKey(name)
               select a.PerClass![name] - b.PerClass![name],
        ];
        return differences.Length > 0 ? Interval.StudentT(differences).Within(-1, 1) : null;
    }
}
