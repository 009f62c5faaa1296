namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-select</c>.</summary>
internal sealed class SelectArguments
{
    [MagicParameter("variable that holds the teacher's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Teacher { get; set; } = "";

    [MagicParameter("variable that holds the student's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Student { get; set; } = "";

    [MagicParameter("how layers are chosen")]
    public LayerStrategy Strategy { get; set; } = LayerStrategy.Endpoints;

    [MagicParameter("endpoints: how many first blocks (2)")]
    public int? First { get; set; }

    [MagicParameter("endpoints: how many last blocks (6)")]
    public int? Last { get; set; }

    [MagicParameter("top, even, predicted: how many pairs (8)")]
    public int? Count { get; set; }

    [MagicParameter("threshold: part of the teacher's largest intensity, above 0, at most 1")]
    public double Threshold { get; set; } = 0.5;

    [MagicParameter("explicit: the teacher's blocks, for example 0,1,18..23")]
    public string? TeacherLayers { get; set; }

    [MagicParameter("explicit: the student's blocks, for example 0,1,6..11")]
    public string? StudentLayers { get; set; }

    [MagicParameter("predicted: variable that holds the predictions of #!spectral-predict", Value = MagicValue.AnyVariable)]
    public string? Predictions { get; set; }

    [MagicParameter("predicted: the predictor, a column of the predictions")]
    public string By { get; set; } = LayerPredictions.Default;

    [MagicParameter("allow pairs whose maps differ in height and width, for a run with --resize-maps")]
    public bool AnyGrid { get; set; }

    [MagicParameter("C# variable for the layer pairs", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "layers";
}

/// <summary>Chooses the layers in which a student is to imitate its teacher, and shows them on both U-curves.</summary>
internal sealed class SelectCommand : MagicCommand<SelectArguments>
{
    public override string Name => "#!spectral-select";

    public override string Description => "chooses layer pairs of a teacher and a student, shows them on both U-curves";

    public override string Example => "#!spectral-select --teacher teacherSpectrum --student studentSpectrum --as layers";

    protected override async Task RunAsync(SelectArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (teacher, student) = (host.Spectrum(arguments.Teacher), host.Spectrum(arguments.Student));
        var pairs = LayerPairs.Select(teacher, student, SelectionOf(arguments, host, teacher, student));
        await host.SetVariableAsync(arguments.As, pairs, typeof(LayerPairs));
        host.Display(pairs);
        host.Display(Charts.Pairs(teacher, student, pairs));
    }

    private static LayerSelection SelectionOf(SelectArguments arguments, INotebookHost host, ModelSpectrum teacher, ModelSpectrum student) => new()
    {
        Strategy = arguments.Strategy,
        First = arguments.First,
        Last = arguments.Last,
        Count = arguments.Count,
        Threshold = arguments.Threshold,
        AnyGrid = arguments.AnyGrid,
        Scores = arguments.Predictions is { } predictions ? host.Predictions(predictions).Scores(arguments.By) : null,
        Teacher = arguments.TeacherLayers is { } t ? LayerList.Parse(t, teacher.Blocks.Length) : null,
        Student = arguments.StudentLayers is { } s ? LayerList.Parse(s, student.Blocks.Length) : null,
    };
}
