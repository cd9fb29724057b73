namespace Schane.Reporting;

/// <summary>A part of a page under a heading of its own.</summary>
internal sealed record ReportSection(string Id, string Title, Html Body, params IReadOnlyList<Figure> Figures);
