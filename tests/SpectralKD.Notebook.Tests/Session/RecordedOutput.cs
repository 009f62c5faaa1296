using System.Text;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>Everything that cells showed.</summary>
internal sealed class RecordedOutput : ICellOutput
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();

    public string Out => Read(_out);

    public string Error => Read(_error);

    public List<MimeBundle> Results { get; } = [];

    public List<(string Id, MimeBundle Data)> Displays { get; } = [];

    public List<(string Id, MimeBundle Data)> Updates { get; } = [];

    public List<string> Order { get; } = [];

    public string Result => Text(Results[^1]);

    public static string Text(MimeBundle bundle) => bundle.Data["text/plain"].GetValue<string>();

    private string Read(StringBuilder text)
    {
        lock (_lock)
        {
            return text.ToString();
        }
    }

    public void Stream(string name, string text)
    {
        lock (_lock)
        {
            (name == "stdout" ? _out : _error).Append(text);
            Order.Add($"{name}:{text}");
        }
    }

    public void DisplayData(MimeBundle data, string displayId)
    {
        lock (_lock)
        {
            Displays.Add((displayId, data));
            Order.Add("display:" + Text(data));
        }
    }

    public void UpdateDisplayData(MimeBundle data, string displayId)
    {
        lock (_lock)
        {
            Updates.Add((displayId, data));
            Order.Add("update:" + Text(data));
        }
    }

    public void ExecuteResult(MimeBundle data)
    {
        lock (_lock)
        {
            Results.Add(data);
            Order.Add("result:" + Text(data));
        }
    }

    public void ClearOutput(bool wait)
    {
        lock (_lock)
        {
            Order.Add("clear:" + wait);
        }
    }
}
