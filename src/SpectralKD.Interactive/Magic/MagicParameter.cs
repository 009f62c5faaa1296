using System.Globalization;
using System.Reflection;

namespace SpectralKD.Interactive.Magic;

/// <summary>What kind of value a parameter takes, for completion.</summary>
internal enum MagicValue
{
    /// <summary>Any text or number.</summary>
    Text,

    /// <summary>A name of the model catalogue.</summary>
    ModelName,

    /// <summary><c>pretrained</c>, <c>seeded</c> or a file of weights.</summary>
    Weights,

    /// <summary><c>textures</c>, <c>cifar10</c>, or a folder or zip of images.</summary>
    ImageSource,

    /// <summary>A torch device.</summary>
    Device,

    /// <summary>A variable that holds a model.</summary>
    ModelVariable,

    /// <summary>A variable that holds images.</summary>
    ImagesVariable,

    /// <summary>A variable that holds a spectrum.</summary>
    SpectrumVariable,

    /// <summary>A variable of any type.</summary>
    AnyVariable,

    /// <summary>A new variable's name.</summary>
    NewVariable,

    /// <summary>A method's name.</summary>
    Method,

    /// <summary>Losses as <c>dist,dkd:alpha=2</c>.</summary>
    Losses,

    /// <summary>A recipe's name or file, or a variable that holds one or a run.</summary>
    Recipe,

    /// <summary>The name of a magic command.</summary>
    CommandName,

    /// <summary>A file or folder.</summary>
    Path,

    /// <summary>A file or folder, seen from the notebook's folder.</summary>
    NotebookPath,
}

/// <summary>Declares a property of an arguments class as a parameter of its magic command; its initial value is the default.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MagicParameterAttribute(string description) : Attribute
{
    /// <summary>What the parameter means, one line.</summary>
    public string Description { get; } = description;

    /// <summary>True where the command cannot do without it.</summary>
    public bool Required { get; init; }

    /// <summary>True for the parameter that may stand right after the command's name, without <c>--name</c>.</summary>
    public bool Implicit { get; init; }

    /// <summary>What its values are, for completion.</summary>
    public MagicValue Value { get; init; } = MagicValue.Text;

    /// <summary>True where all words up to the next <c>--name</c> are its text, spaces included.</summary>
    public bool Rest { get; init; }

    /// <summary>Where the value becomes a variable: the parameter that names it. An answer to <c>@input</c> may be given to a notebook under that name.</summary>
    public string? Becomes { get; init; }

    /// <summary>The endings of the files that it takes; empty where it takes all.</summary>
    public string[] Endings { get; init; } = [];
}

/// <summary>One parameter of a magic command: a row of the table from which help, completion and documentation come.</summary>
internal sealed class MagicParameter
{
    private readonly PropertyInfo _property;
    private readonly MagicParameterAttribute _declaration;

    internal MagicParameter(PropertyInfo property, MagicParameterAttribute declaration, object defaults)
    {
        _property = property;
        _declaration = declaration;
        Name = "--" + MagicName.FromPascal(property.Name);
        Default = MagicName.OfValue(property.GetValue(defaults));
    }

    /// <summary>Name as typed, for example <c>--image-size</c>.</summary>
    public string Name { get; }

    /// <summary>What the parameter means, one line.</summary>
    public string Description => _declaration.Description;

    /// <summary>True where the command cannot do without it.</summary>
    public bool Required => _declaration.Required;

    /// <summary>True where it may stand right after the command's name, without <c>--name</c>.</summary>
    public bool Implicit => _declaration.Implicit;

    /// <summary>What its values are, for completion.</summary>
    public MagicValue Value => _declaration.Value;

    /// <summary>The parameter that names the variable which its value becomes; null where it becomes none.</summary>
    public string? Becomes => _declaration.Becomes;

    /// <summary>The endings of the files that it takes; empty where it takes all.</summary>
    public IReadOnlyList<string> Endings => _declaration.Endings;

    /// <summary>The default as it would be typed; empty where there is none.</summary>
    public string Default { get; }

    /// <summary>True where it takes the name of a variable that is there.</summary>
    public bool IsVariable =>
        Value is MagicValue.ModelVariable or MagicValue.ImagesVariable or MagicValue.SpectrumVariable or MagicValue.AnyVariable;

    /// <summary>True where it takes no value: naming it switches it on.</summary>
    public bool IsFlag => ValueType == typeof(bool);

    /// <summary>True where it takes a value of any type: a text, or what a variable holds.</summary>
    public bool TakesAnything => ValueType == typeof(object);

    /// <summary>True where it takes several values, separated by commas or spaces.</summary>
    public bool IsMany => ValueType == typeof(IReadOnlyList<string>);

    /// <summary>True where all words up to the next <c>--name</c> are its text.</summary>
    public bool IsRest => _declaration.Rest;

    /// <summary>The choices where it is one of a few words; otherwise empty.</summary>
    public IReadOnlyList<string> Choices =>
        ValueType.IsEnum
            ? [.. Enum.GetNames(ValueType).Where(n => n != "None" || !ValueType.IsDefined(typeof(FlagsAttribute), false)).Select(MagicName.FromPascal)]
            : [];

    private Type ValueType => Nullable.GetUnderlyingType(_property.PropertyType) ?? _property.PropertyType;

    /// <summary>Sets the parameter's property from what was typed.</summary>
    /// <param name="arguments">The object that has the property.</param>
    /// <param name="call">The line.</param>
    /// <param name="host">The notebook, for variables and answers.</param>
    /// <exception cref="SpectralKDException">The text is not of the parameter's type, or there is no such variable or answer.</exception>
    internal void Set(object arguments, MagicCall call, INotebookHost host)
    {
        var words = call.Given[Name];
        _property.SetValue(
            arguments,
            IsMany ? (IReadOnlyList<string>)[.. words.SelectMany(word => Split(Text(word, call, host), whole: word.Quoted && IsPath))]
            : words.Count == 0 ? true
            : TakesAnything ? Resolve(words[^1], call, host)
            : Parse(OfVariable(Text(words[^1], call, host), host)));
    }

    private string Text(MagicWord word, MagicCall call, INotebookHost host)
    {
        var value = Resolve(word, call, host);
        return host.TextOf(value) ?? throw new SpectralKDException(
            $"{call.Command.Name} {Name} {word.Text}: the variable holds a {value.GetType().Name}; a magic line takes text and numbers");
    }

    private bool IsPath => Value is MagicValue.Path or MagicValue.NotebookPath;

    // A parameter that takes a variable takes its name, with or without the @.
    private object Resolve(MagicWord word, MagicCall call, INotebookHost host)
    {
        if (word.Quoted || !word.Text.StartsWith('@') || word.Text.Length == 1)
        {
            return word.Text;
        }

        if (host.Answer(word.Text, call.Of(Becomes ?? "")?.Text ?? "") is { } answer)
        {
            return answer;
        }

        var parts = word.Text[1..].Split(':', 2);
        var name = parts[^1];
        return parts is [not ("csharp" or "value"), _]
            ? throw new SpectralKDException($"{call.Command.Name} {Name} {word.Text}: a magic line has one kernel, csharp, and none named {parts[0]}, to read variables of")
            : IsVariable ? name
            : !host.TryGetVariable(name, out var value) ? throw new SpectralKDException(
                $"{call.Command.Name} {Name} {word.Text}: there is no variable {name}{NearestName.Suggestion(name, host.Variables.Select(v => v.Name))}")
            : value ?? throw new SpectralKDException($"{call.Command.Name} {Name} {word.Text}: the variable holds null");
    }

    // A number may be given by the bare name of the variable that holds it.
    private string OfVariable(string text, INotebookHost host) =>
        (ValueType == typeof(int) || ValueType == typeof(double)) && MagicName.IsVariable(text)
        && host.TryGetVariable(text, out var value) && value is int or long or float or double
            ? MagicName.OfValue(value) : text;

    private static string[] Split(string text, bool whole) =>
        whole ? [text] : text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private object Parse(string text)
    {
        var culture = CultureInfo.InvariantCulture;
        return ValueType switch
        {
            var t when t == typeof(string) => Value != MagicValue.NewVariable || MagicName.IsVariable(text) ? text : throw Wrong(text, "a C# name"),
            var t when t == typeof(int) => int.TryParse(text, NumberStyles.Integer, culture, out var n) ? n : throw Wrong(text, "a whole number"),
            var t when t == typeof(double) => double.TryParse(text, NumberStyles.Float, culture, out var x) ? x : throw Wrong(text, "a number"),
            var t when t == typeof(bool) => bool.TryParse(text, out var b) ? b : throw Wrong(text, "true or false"),
            var t when t.IsEnum => ParseChoice(t, text),
            var t => throw new NotSupportedException($"parameters of type {t} are not supported"),
        };
    }

    private object ParseChoice(Type type, string text)
    {
        var found = Choices.FirstOrDefault(choice => string.Equals(choice, text, StringComparison.OrdinalIgnoreCase));
        return found is not null ? Enum.Parse(type, found.Replace("-", ""), ignoreCase: true)
            : throw Wrong(text, $"one of {string.Join(", ", Choices)}{NearestName.Suggestion(text, Choices)}");
    }

    private SpectralKDException Wrong(string text, string wanted) => new($"{Name} takes {wanted}; found \"{text}\"");
}
