using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    /// <summary>What each block of a student has in common with each block of a teacher, as colours; chosen layer pairs as rings, joined in order of depth.</summary>
    /// <param name="similarity">The two models.</param>
    /// <param name="pairs">Pairs to draw in; null for none.</param>
    /// <param name="figure">Which figure.</param>
    /// <exception cref="SpectralKDException">No pair has this figure (maps of other sizes have no tokens in common), or a chosen pair is not of these models.</exception>
    public static GenericChart Similarity(ModelSimilarity similarity, LayerPairs? pairs = null, SimilarityFigure figure = SimilarityFigure.Cka)
    {
        ArgumentNullException.ThrowIfNull(similarity);
        if (similarity.Pairs.All(pair => pair.Value(figure) is null))
        {
            throw new SpectralKDException($"no pair of {similarity.Student} and {similarity.Teacher} has the figure {figure}, which compares token by token: take Cka, or models with equal grids");
        }

        var words = SimilarityWords.Of(figure, similarity.Directions);
        var rows = similarity.Pairs.GroupBy(pair => pair.Student.Index).Select(row => row.ToList()).ToList();
        var colours = new Attributes
        {
            ["colorscale"] = ChartLook.Scale,
            ["colorbar"] = new Attributes { ["title"] = new Attributes { ["text"] = words.Short, ["side"] = "right", ["font"] = new Attributes { ["size"] = 13 } }, ["thickness"] = 14, ["outlinewidth"] = 0 },
        };
        if (figure is SimilarityFigure.Cka or SimilarityFigure.TokenCka or SimilarityFigure.R2)
        {
            (colours["cmin"], colours["cmax"]) = (0, 1); // one scale for all models, so that two heatmaps can be compared by eye
        }

        var chart = new ChartBuilder(words.Title, $"{similarity.Images} images of {similarity.Source}{(pairs is null ? "" : $" · rings: {pairs.Reason}")}\n{words.Meaning}")
            .Layout("xaxis", BlockAxis($"Teacher's block: {ChartLook.Text(similarity.Teacher)}", rows[0].Count))
            .Layout("yaxis", BlockAxis($"Student's block:<br>{ChartLook.Text(similarity.Student)}", rows.Count))
            .Layout("showlegend", false)
            .Layout("height", 480)
            .Layout("coloraxis", colours)
            .Trace("heatmap", new Attributes
            {
                ["x"] = rows[0].Select(pair => pair.Teacher.Index).ToArray(),
                ["y"] = rows.Select(row => row[0].Student.Index).ToArray(),
                ["z"] = rows.Select(row => row.Select(pair => pair.Value(figure)).ToArray()).ToArray(),
                ["text"] = rows.Select(row => row.Select(Hover).ToArray()).ToArray(),
                ["hovertemplate"] = "%{text}<extra></extra>",
                ["coloraxis"] = "coloraxis",
                ["xgap"] = 1,
                ["ygap"] = 1,
            });
        if (pairs is not null)
        {
            pairs.Pairs.ToList().ForEach(pair => similarity.Pair(pair.Student.Index, pair.Teacher.Index));
            chart.Trace("scatter", new Attributes
            {
                ["x"] = pairs.TeacherLayers.ToArray(),
                ["y"] = pairs.StudentLayers.ToArray(),
                ["mode"] = "lines+markers",
                ["name"] = "chosen pairs",
                ["line"] = new Attributes { ["color"] = ChartLook.Vermillion, ["width"] = 1.5, ["dash"] = "dot" },
                ["marker"] = new Attributes { ["symbol"] = "circle-open", ["size"] = 13, ["color"] = ChartLook.Vermillion, ["line"] = new Attributes { ["color"] = ChartLook.Vermillion, ["width"] = 3 } },
                ["hoverinfo"] = "skip",
            });
        }

        return chart.Build();

        static string Hover(BlockSimilarity pair) => $"student {ChartLook.Text(pair.Student.Name)}, teacher {ChartLook.Text(pair.Teacher.Name)}" + FormattableString.Invariant(
            $"<br>CKA {pair.Cka:0.000} between images, {pair.TokenCka:0.000} between tokens<br>R² {pair.R2:0.000}, Procrustes {pair.Procrustes:0.000}, Grassmann {pair.Grassmann:0.000}");

        static Attributes BlockAxis(string title, int blocks)
        {
            var axis = ChartLook.Axis(title);
            (axis["showgrid"], axis["range"], axis["dtick"]) = (false, new[] { -0.5, blocks - 0.5 }, blocks > 16 ? 2 : 1);
            return axis;
        }
    }

    /// <summary>
    /// How each predictor goes with the measured gains: Spearman's rank correlation (filled), and what is left of it given depth (open). Between the dotted lines chance gives
    /// 95 of 100 values.
    /// </summary>
    /// <param name="study">The study.</param>
    public static GenericChart Predictors(LayerStudy study)
    {
        ArgumentNullException.ThrowIfNull(study);
        var rows = study.Rows.Reverse().ToList(); // plotly counts upwards
        var t = ComparisonStatistics.TQuantile(0.975, study.Pairs - 2);
        var limit = t / Math.Sqrt(study.Pairs - 2 + (t * t));
        var x = ChartLook.Axis("Rank correlation with the gain");
        (x["range"], x["zeroline"], x["zerolinecolor"]) = (new[] { -1.08, 1.08 }, true, ChartLook.Grey);
        var y = ChartLook.Axis("Predictor");
        (y["tickvals"], y["ticktext"], y["range"]) = (Enumerable.Range(0, rows.Count).ToArray(), rows.Select(row => row.Name.Replace('_', ' ')).ToArray(), new[] { -0.7, rows.Count - 0.3 });
        var chart = new ChartBuilder("Did it know before training?", study.Verdict.Replace("; ", "\n", StringComparison.Ordinal))
            .Layout("xaxis", x).Layout("yaxis", y)
            .Layout("showlegend", true)
            .Layout("height", 210 + (26 * rows.Count))
            .Layout("margin", new Attributes { ["l"] = 70, ["r"] = 25, ["t"] = 110, ["b"] = 90 })
            .Layout("legend", new Attributes { ["orientation"] = "h", ["x"] = 0, ["xanchor"] = "left", ["y"] = -60.0 / (26 * rows.Count), ["yanchor"] = "top", ["font"] = new Attributes { ["size"] = 13 } });
        foreach (var side in new[] { -limit, limit })
        {
            chart.Shape(new Attributes
            {
                ["type"] = "line",
                ["xref"] = "x",
                ["yref"] = "paper",
                ["x0"] = side,
                ["x1"] = side,
                ["y0"] = 0,
                ["y1"] = 1,
                ["line"] = new Attributes { ["color"] = ChartLook.Grey, ["width"] = 1.5, ["dash"] = "dot" },
            });
        }

        chart.Trace("scatter", Points("alone", "circle", ChartLook.Blue, row => row.Rho));
        return chart.Trace("scatter", Points("given depth", "diamond-open", ChartLook.Vermillion, row => row.GivenDepth)).Build();

        Attributes Points(string name, string symbol, string colour, Func<PredictorRow, double?> value) => new()
        {
            ["x"] = rows.Select(value).ToArray(),
            ["y"] = Enumerable.Range(0, rows.Count).ToArray(),
            ["mode"] = "markers",
            ["name"] = name,
            ["marker"] = new Attributes { ["symbol"] = symbol, ["size"] = 11, ["color"] = colour, ["line"] = new Attributes { ["color"] = colour, ["width"] = 2 } },
            ["text"] = rows.Select(row => row.Name + FormattableString.Invariant(
                $"<br>rho {row.Rho:0.00} (p {row.Probability:0.000}{(row.Holm is { } holm ? FormattableString.Invariant($", Holm {holm:0.000}") : "")}), given depth {row.GivenDepth:0.00} (p {row.GivenDepthProbability:0.000})<br>its first choice gains {row.ChosenGain:0.0} points, a random one {study.Random:0.0}")).ToArray(),
            ["hovertemplate"] = "%{text}<extra></extra>",
        };
    }
}

/// <summary>A figure of similarity in words.</summary>
internal sealed record SimilarityWords(string Title, string Short, string Meaning)
{
    internal static SimilarityWords Of(SimilarityFigure figure, int directions) => figure switch
    {
        SimilarityFigure.Cka => new("Which blocks find the same images alike?", "CKA", "linear CKA between images, unbiased: 1 the same geometry, 0 nothing in common"),
        SimilarityFigure.TokenCka => new("Which blocks find the same places alike?", "CKA of tokens", "linear CKA between the tokens of an image, unbiased: 1 the same geometry, 0 nothing in common"),
        SimilarityFigure.R2 => new("What does the student's block know of the teacher's?", "R²", "explained share of the teacher's tokens, ridge regression judged on unseen images: 1 all"),
        SimilarityFigure.Procrustes => new("How far apart after the best rotation?", "Procrustes distance", "of the tokens, scaled to length 1: 0 equal, 2 nothing in common"),
        _ => new("How far apart are the strongest directions?", "Grassmann distance", FormattableString.Invariant($"angles of {directions} directions over the tokens, radians: 0 equal, {Math.Sqrt(directions) * Math.PI / 2:0.0} at right angles")),
    };
}
